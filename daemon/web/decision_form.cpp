#include "daemon/web/decision_form.hpp"

#include "daemon/base/bytes.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr std::array from_pages = {
    decision_kind::acknowledge,
    decision_kind::take_up,
    decision_kind::park,
    decision_kind::close,
    decision_kind::note,
    decision_kind::act,
    decision_kind::finish};

failure wrong(std::string what)
{
    return failure(errc::usage, std::move(what), "Go back, and send the form again.");
}

result<std::optional<civil_day>> day_in(const web_request& form, std::string_view field, std::string_view name)
{
    const std::string_view text = form.field(field);
    if (text.empty()) return std::optional<civil_day>();
    const auto day = parse_day(text);
    if (!day) return wrong(std::string(name) + " is no day: write it as 2026-11-30");
    return std::optional(*day);
}

result<void> check_words(const decision_request& request)
{
    const bool needs_words =
        request.kind == decision_kind::note || request.kind == decision_kind::close || request.action == "decision";
    if (needs_words && request.text.empty()) return wrong("that needs a few words");
    if (request.kind == decision_kind::act && request.action.empty()) return wrong("choose what is done");
    if (request.action == "penalty-notice" && request.adult.empty())
        return wrong("a penalty notice is to one adult: give the school's reference of the parent, such as A-12");
    if (request.kind == decision_kind::finish && request.outcome.empty())
        return wrong("an action ends with its outcome, in one word");
    if (request.outcome.find_first_of(" \n\t") != request.outcome.npos)
        return wrong("the outcome is one word, such as done; the rest goes into the words");
    if (request.due && request.review && *request.review < *request.due)
        return wrong("the review lies before the day it is due");
    if (!check_texts(request)) return wrong("the words are too long, or hold what is no plain text");
    return {};
}

} // namespace

result<decision_request> read_decision(const web_request& form, entry_index alert, const std::string& user)
{
    decision_request request;
    const auto word = std::ranges::find(decision_words, form.field("do"));
    if (word == decision_words.end()) return wrong("that is nothing a page can do");
    request.kind = static_cast<decision_kind>(word - decision_words.begin());
    if (std::ranges::find(from_pages, request.kind) == from_pages.end()) return wrong("that is nothing a page can do");
    request.about = alert;
    if (request.kind == decision_kind::finish) {
        const auto action = parse_decimal(form.field("action_id"));
        if (!action) return wrong("the form does not say which action has ended");
        request.about = *action;
        request.alert = alert;
    }
    if (request.kind == decision_kind::act) request.action = form.field("action");
    request.text = form.field("text");
    std::erase(request.text, '\r'); // how a browser ends lines
    request.owner = form.field("owner");
    request.adult = form.field("adult");
    request.outcome = form.field("outcome");
    for (const auto& [field, name, into] :
         {std::tuple("on", "the day it was done", &request.on),
          std::tuple("due", "the day it is due", &request.due),
          std::tuple("review", "the day of the review", &request.review)}) {
        const auto day = day_in(form, field, name);
        if (!day) return day.error();
        *into = *day;
    }
    request.by = user;
    request.user = user;
    if (const auto sound = check_words(request); !sound) return sound.error();
    return request;
}

namespace {

// The numbers of the fields "PREFIX_N", each of which must be among what was offered.
result<std::vector<entry_index>>
ticked(const web_request& form, std::string_view prefix, const std::vector<offered_thing>& offered)
{
    std::vector<entry_index> found;
    for (const auto& [name, value] : form.form) {
        if (!name.starts_with(prefix)) continue;
        const auto id = parse_decimal(std::string_view(name).substr(prefix.size()));
        if (!id || std::ranges::find(offered, *id, &offered_thing::id) == offered.end())
            return failure(
                errc::not_found, "what the form is about is no longer on the page", "Go back, and load the page again."
            );
        found.push_back(*id);
    }
    return found;
}

} // namespace

result<std::vector<decision_request>>
read_calls(const web_request& form, const std::vector<offered_thing>& offered, const std::string& user)
{
    const auto pupils = ticked(form, "pupil_", offered);
    if (!pupils) return pupils.error();
    if (pupils->empty()) return wrong("tick at least one pupil whom the call was about");
    if (form.field("outcome").empty()) return wrong("choose what came of the call");
    std::vector<decision_request> all;
    for (const entry_index pupil : *pupils) {
        decision_request request;
        request.kind = decision_kind::act;
        request.action = "call";
        request.pupil = pupil;
        request.outcome = form.field("outcome");
        request.text = form.field("text");
        std::erase(request.text, '\r');
        request.by = user;
        request.user = user;
        if (const auto sound = check_words(request); !sound) return sound.error();
        all.push_back(std::move(request));
    }
    return all;
}

result<decision_request>
read_meeting(const web_request& form, const std::vector<offered_thing>& offered, const std::string& user)
{
    if (form.field("do") == "hold-meeting") {
        decision_request request;
        request.kind = decision_kind::hold_meeting;
        request.by = user;
        request.user = user;
        const auto on = day_in(form, "on", "the day of the meeting");
        if (!on) return on.error();
        request.on = *on;
        return request;
    }
    const bool ends = form.field("do") == "finish";
    if (!ends && form.field("do") != "act") return wrong("that is nothing the meeting can do");
    const auto id = parse_decimal(form.field(ends ? "action_id" : "alert"));
    if (!id) return wrong(ends ? "choose which action is done" : "choose whom the decision is about");
    const auto listed = std::ranges::find_if(offered, [&](const offered_thing& each) {
        return each.id == *id && (each.alert != no_entry) == ends;
    });
    if (listed == offered.end())
        return failure(
            errc::not_found, "what the form is about is no longer on the page", "Go back, and load the page again."
        );
    return read_decision(form, ends ? listed->alert : listed->id, user);
}

result<decision_request> read_pupil_form(
    const web_request& form, entry_index pupil, const std::vector<offered_thing>& offered, const std::string& user
)
{
    decision_request request;
    request.by = user;
    request.user = user;
    if (form.field("do") == "end-marker") {
        const auto marker = ticked(form, "marker_", offered);
        if (!marker) return marker.error();
        if (marker->size() != 1) return wrong("the form does not say which marker has ended");
        request.kind = decision_kind::end_marker;
        request.about = marker->front();
        return request;
    }
    const bool opens = form.field("do") == "open-pupil";
    if (opens || form.field("do") == "close-pupil") {
        request.kind = opens ? decision_kind::open_pupil : decision_kind::close_pupil;
        request.pupil = pupil;
        request.owner = form.field("account");
        request.text = form.field("text");
        std::erase(request.text, '\r');
        if (opens && request.text.empty()) return wrong("a pupil is opened to an auditor for a reason: give it");
        if (!check_texts(request)) return wrong("the words are too long, or hold what is no plain text");
        return request;
    }
    if (form.field("do") != "marker") return wrong("that is nothing this page can do");
    request.kind = decision_kind::marker;
    request.pupil = pupil;
    request.action = form.field("kind");
    request.owner = form.field("tell");
    request.text = form.field("text");
    std::erase(request.text, '\r');
    const auto review = day_in(form, "review", "the day of the review");
    if (!review) return review.error();
    request.review = *review;
    if (!check_texts(request)) return wrong("the words are too long, or hold what is no plain text");
    return request;
}

result<std::vector<decision_request>>
read_triage(const web_request& form, const std::vector<offered_thing>& offered, const std::string& user)
{
    auto alerts = ticked(form, "alert_", offered);
    if (!alerts) return alerts.error();
    if (!form.field("all").empty()) {
        alerts->clear();
        for (const offered_thing& each : offered)
            if (each.group == form.field("rule")) alerts->push_back(each.id);
    }
    if (alerts->empty()) return wrong("tick at least one line");
    std::vector<decision_request> all;
    for (const entry_index alert : *alerts) {
        const auto request = read_decision(form, alert, user);
        if (!request) return request.error();
        if (request->kind != decision_kind::take_up && request->kind != decision_kind::park &&
            request->kind != decision_kind::close)
            return wrong("that is nothing this page can do");
        all.push_back(*request);
    }
    return all;
}

} // namespace rollbook
