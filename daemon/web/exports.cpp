#include "daemon/web/exports.hpp"

namespace rollbook {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t waiting_max = 8;

} // namespace

void waiting_export::remove() const
{
    std::error_code ignored;
    fs::remove_all(folder, ignored);
}

waiting_exports::waiting_exports(fs::path root) : root_(std::move(root))
{
    std::error_code ignored;
    if (!root_.empty()) fs::remove_all(root_, ignored);
}

result<std::shared_ptr<waiting_export>> waiting_exports::begin(const std::string& user)
{
    if (!held_.contains(user) && held_.size() >= waiting_max)
        return failure(errc::usage, "too many files wait for a word already", "Try again in half an hour.");
    auto made = std::make_shared<waiting_export>(root_ / std::to_string(++begun_));
    std::error_code failed;
    fs::create_directories(made->folder, failed);
    for (const fs::path& each : {root_, made->folder})
        if (!failed) fs::permissions(each, fs::perms::owner_all, failed);
    if (failed)
        return failure(
            errc::usage, "the file cannot be kept: " + failed.message(), "Tell whoever looks after this machine."
        );
    return made;
}

void waiting_exports::keep(const std::string& user, std::shared_ptr<const waiting_export> value)
{
    drop(user);
    held_[user] = std::move(value);
}

std::shared_ptr<const waiting_export> waiting_exports::of(const std::string& user) const
{
    const auto found = held_.find(user);
    return found == held_.end() ? nullptr : found->second;
}

std::shared_ptr<const waiting_export> waiting_exports::take(const std::string& user)
{
    auto node = held_.extract(user);
    return node.empty() ? nullptr : std::move(node.mapped());
}

void waiting_exports::drop(const std::string& user)
{
    if (const auto held = take(user)) held->remove();
}

std::optional<steady_moment> waiting_exports::forget(steady_moment now)
{
    std::erase_if(held_, [&](const auto& each) {
        const bool is_over = each.second->until_steady <= now;
        if (is_over) each.second->remove();
        return is_over;
    });
    std::optional<steady_moment> next;
    for (const auto& [user, each] : held_)
        if (!next || each->until_steady < *next) next = each->until_steady;
    return next;
}

} // namespace rollbook
