#include "tests/simulation/watched_ledger.hpp"

#include "daemon/base/json.hpp"

#include <algorithm>
#include <charconv>

namespace rollbook::simulation {
namespace {

std::string text_at(json_view object, std::string_view key)
{
    return std::string(object[key].string_if().value_or(""));
}

commit_made summary_of(const transaction& t, entry_index base, instant now)
{
    commit_made made;
    made.base = base;
    made.entries = t.entries.size();
    made.now = now;
    made.closes = !t.sources.empty();
    made.statements = t.statements;
    for (const stream_state& each : t.streams)
        made.closed_streams.push_back(each.stream);
    for (std::size_t i = 0; i < t.entries.size(); ++i) {
        const auto* thing = std::get_if<thing_version>(&t.entries[i].row);
        if (!thing) continue;
        const entry_index subject = thing->subject == no_entry ? base + i : thing->subject;
        if (thing->kind == what::pupil && thing->source == "mis") made.pupils.push_back({subject, thing->key});
        if (thing->kind == what::settings && thing->key.starts_with("marker/")) made.marked.push_back(thing->pupil);
        if (thing->kind != what::alert) continue;
        const auto parsed = json_document::parse(t.entries[i].payload);
        const std::size_t slash = thing->key.find('/');
        entry_index pupil = 0;
        std::from_chars(thing->key.data() + slash + 1, thing->key.data() + thing->key.size(), pupil);
        std::vector<day_range> also_met;
        parsed->root()["also_met"].for_each_element([&](json_view each) {
            also_met.push_back({*parse_day(text_at(each, "from")), *parse_day(text_at(each, "to"))});
        });
        std::vector<civil_day> told;
        parsed->root()["told"].for_each_element([&](json_view each) {
            told.push_back(*parse_day(text_at(each, "day")));
        });
        made.alerts.push_back(
            {subject,
             thing->key.substr(0, slash),
             pupil,
             text_at(parsed->root(), "state"),
             text_at(parsed->root(), "stage"),
             parse_day(text_at(parsed->root()["opened_for"], "as_of")),
             std::move(also_met),
             std::move(told),
             parse_day(text_at(parsed->root()["window"], "to")),
             !text_at(parsed->root(), "decision").empty()}
        );
    }
    return made;
}

// Whether its id ends in a day and the route: a later day of an alert that stands.
bool is_of_later_day(const outbox_message& m)
{
    const std::string& id = m.content.id;
    const std::string end = "." + m.route + "@";
    const std::size_t at = id.find(end);
    constexpr std::size_t day_size = 10;
    return m.alert != no_entry && at != id.npos && at > day_size &&
           parse_day(std::string_view(id).substr(at - day_size, day_size)).has_value();
}

} // namespace

void watched_ledger::commit(const transaction& t, instant now)
{
    settle();
    if (around_.is_dead) throw process_died(); // it writes nothing any more, whatever is still unwound
    if (t.empty()) return;
    under_way.push_back(summary_of(t, real_->size(), now));
    if (around_.bug == plant::split_outbox && !t.messages.empty()) {
        transaction first = t;
        transaction second;
        std::swap(first.messages, second.messages);
        real_->commit(first, now);
        real_->commit(second, now);
    } else if (around_.bug == plant::untold_day && std::ranges::any_of(t.messages, is_of_later_day)) {
        transaction rest = t;
        std::erase_if(rest.messages, is_of_later_day);
        real_->commit(rest, now);
    } else {
        real_->commit(t, now);
    }
    tell();
}

void watched_ledger::begin_commit(std::shared_ptr<const transaction> t, instant now)
{
    if (real_->is_busy()) settle();
    if (around_.is_dead) throw process_died();
    if (t->empty()) return;
    under_way.push_back(summary_of(*t, real_->size(), now));
    real_->begin_commit(std::move(t), now);
    is_beside_ = true;
}

void watched_ledger::settle()
{
    const bool was_beside = std::exchange(is_beside_, false); // what fails stays unknown
    real_->settle();
    if (was_beside && !around_.is_dead) tell();
}

// A process that is dead looks at nothing again. Of what was under way, what is not there will not come back.
void watched_ledger::reload()
{
    is_beside_ = false; // it failed, whoever was told so
    if (is_dead()) return;
    real_->reload();
    if (is_dead()) return;
    std::erase_if(under_way, [&](const commit_made& each) {
        return each.entries == 0 || real_->size() < each.base + each.entries;
    });
    tell();
}

void watched_ledger::tell()
{
    for (const commit_made& made : std::exchange(under_way, {}))
        committed(made);
}

void watched_ledger::sign_checkpoint(instant now)
{
    real_->sign_checkpoint(now);
    signed_one();
}

std::optional<stream_state> watched_ledger::stream(const std::string& source, const std::string& stream) const
{
    auto state = real_->stream(source, stream);
    if (state && around_.bug == plant::cursor_early && stream == "incidents")
        state->fingerprint =
            state->fingerprint.substr(0, state->fingerprint.find('\n')) + "\n" + std::to_string(reached());
    return state;
}

} // namespace rollbook::simulation
