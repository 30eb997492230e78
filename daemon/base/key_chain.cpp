#include "daemon/base/key_chain.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr std::string_view change_header = "rollbook-key-change/v1";

failure broken_chain(std::string what)
{
    return failure(
        errc::ledger_in_doubt, std::move(what), "Keep the file as it is, and ask the log's keeper for an explanation."
    );
}

bool is_signer(const std::vector<verified_signature>& signers, const verifier_key& key)
{
    return std::ranges::find(signers, key, &verified_signature::key) != signers.end();
}

} // namespace

std::string sign_key_change(const signing_key& old_key, const signing_key& new_key, instant until)
{
    ROLLBOOK_ENSURE(old_key.verifier().name == new_key.verifier().name);
    const std::string text = std::string(change_header) + "\n" + format_vkey(old_key.verifier()) + "\n" +
                             format_vkey(new_key.verifier()) + "\n" + format_instant(until) + "\n";
    const std::array<std::string, 2> lines = {old_key.sign(text), new_key.sign(text)};
    return format_note(text, lines);
}

result<key_change> open_key_change(std::string_view bytes)
{
    const auto unreadable_change = [] {
        return failure(errc::page_malformed, "key change: it is not of the form that is known", "Use a newer version.");
    };
    const auto note = parse_note(bytes);
    if (!note) return note.error();
    std::array<std::string_view, 4> lines;
    std::string_view rest = note->text;
    for (std::string_view& line : lines) {
        const std::size_t end = rest.find('\n');
        if (end == rest.npos) return unreadable_change();
        line = rest.substr(0, end);
        rest.remove_prefix(end + 1);
    }
    const auto old_key = parse_vkey(lines[1]);
    const auto new_key = parse_vkey(lines[2]);
    const auto until = parse_instant(lines[3]);
    if (!rest.empty() || lines[0] != change_header || !old_key || !new_key || !until) return unreadable_change();
    if (old_key->kind != key_kind::log || new_key->kind != key_kind::log || old_key->name != new_key->name)
        return unreadable_change();
    const std::array<verifier_key, 2> both = {*old_key, *new_key};
    const auto signers = verify_note(*note, both);
    if (!signers) return signers.error();
    if (!is_signer(*signers, *old_key) || !is_signer(*signers, *new_key))
        return broken_chain("key change: one of the two keys did not sign it");
    return key_change{*old_key, *new_key, *until};
}

result<void> key_chain::add(std::uint64_t index, const key_change& change)
{
    if (change.old_key != newest()) return broken_chain("a change of key does not begin with the key before it");
    if (index < keys_.back().first) return broken_chain("changes of key are out of order");
    keys_.push_back({index + 1, change.new_key});
    return {};
}

bool key_chain::holds(const verifier_key& key) const
{
    return std::ranges::any_of(keys_, [&](const auto& each) { return each.second == key; });
}

const verifier_key& key_chain::key_at(std::uint64_t size) const
{
    const auto after = std::ranges::upper_bound(keys_, size, {}, &std::pair<std::uint64_t, verifier_key>::first);
    return std::prev(after)->second;
}

result<opened_checkpoint> key_chain::open(std::string_view note) const
{
    const auto parsed = parse_note(note);
    if (!parsed) return parsed.error();
    const auto point = parse_checkpoint(parsed->text);
    if (!point) return point.error();
    auto opened = open_checkpoint(note, key_at(point->size));
    if (!opened) return opened;
    if (keys_.size() == 1) return opened; // its one signature was looked at
    std::vector<verifier_key> all;
    for (const auto& [from, key] : keys_)
        all.push_back(key);
    if (const auto signers = verify_note(*parsed, all); !signers) return signers.error();
    return opened;
}

result<key_chain> chain_of(const verifier_key& pinned, const std::vector<std::pair<std::uint64_t, key_change>>& changes)
{
    key_chain chain(changes.empty() ? pinned : changes.front().second.old_key);
    for (const auto& [index, change] : changes)
        if (const auto added = chain.add(index, change); !added) return added.error();
    if (!chain.holds(pinned)) return broken_chain("the ledger's keys do not lead to the key that is pinned");
    return chain;
}

} // namespace rollbook
