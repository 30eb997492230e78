#include "daemon/web/press.hpp"

#include "daemon/base/json.hpp"
#include "daemon/base/spare_memory.hpp"
#include "daemon/views/opening_filter.hpp"
#include "daemon/views/reads.hpp"
#include "daemon/views/scope.hpp"
#include "daemon/views/text.hpp"
#include "daemon/web/bundle.hpp"
#include "daemon/web/parts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

// More entries than these since the snapshot: looking for records among them costs as much as a new one.
constexpr entry_index news_looked_at_max = 2'000;

// How long a kept page may lack what a read that has not ended wrote.
constexpr std::chrono::seconds behind_a_read_max{5};

// A value inside the quotes of a label.
std::string label_text(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        out += c == '\n' ? ' ' : c;
    }
    return out;
}

web_answer words_for(const failure& why, const page_frame& frame)
{
    const bool is_missing = why.code == errc::not_found;
    web_answer answer(is_missing ? 404 : 400, "text/html; charset=utf-8", "");
    answer.body = render_words(
        "problem", is_missing ? "Not found" : "That cannot be shown", {{"what", why.what}, {"to_do", why.to_do}}, frame
    );
    return answer;
}

web_answer json_problem(int status, const failure& why)
{
    std::string text;
    json_writer out(text);
    out.begin_object().member("error", why.what).member("to_do", why.to_do).end_object();
    return {status, "application/json", text + "\n"};
}

} // namespace

// What many pages need of one size of the ledger.
struct press::snapshot {
    std::shared_ptr<const configuration> settings;
    time_zone zone;
    std::unique_ptr<ledger_reader> within; // of one that is kept to a scope: what `at` reads
    workplace at;
    people everyone;
    roster pupils;
    std::map<entry_index, figures> year_sums;
    civil_day day;               // its figures are up to that day
    mutable known_entries known; // of `within`: what is not within has no labels

    snapshot(
        std::shared_ptr<const configuration> config, const ledger_reader& from, time_zone z, instant now, entry_index n
    )
        : settings(std::move(config)), zone(std::move(z)), at{*settings, from, zone, now, n}, everyone(at),
          pupils(at, everyone), day(day_of(zone.to_local(now)))
    {
        year_sums = figures_of_all(at, everyone, {school_calendar::academic_year_start(day), day});
    }
    // What of `all` is about those who are within the scope in `today`; both may go before it. Whoever has left the
    // scope is outside it in every year.
    snapshot(const snapshot& all, const snapshot& today, const ledger_reader& from, const pupil_scope& scope)
        : settings(all.settings), zone(all.zone),
          within(make_scoped_reader(from, records_within(today.pupils, today.everyone, scope))),
          at{*settings, *within, zone, all.at.now, all.at.n}, everyone(at), pupils(at, everyone), day(all.day)
    {
        for (const auto& [person, sums] : all.year_sums)
            if (pupils.find(person)) year_sums.emplace(person, sums);
    }
    snapshot(const snapshot&) = delete;
    snapshot& operator=(const snapshot&) = delete;
};

press::press(reader_opener open) : open_(std::move(open)) {}

press::~press() = default;

ledger_reader& press::reader()
{
    if (!reader_) reader_ = open_().value();
    return *reader_;
}

void press::rest()
{
    kept_.clear();
    scoped_.clear();
    newest_.reset();
    known_ = {};
    known_settings_.reset();
    reader_.reset();
    let_go_of_spare_memory();
}

std::string press::origin()
{
    return reader().origin();
}

bool press::is_simulated()
{
    return reader().is_simulated();
}

std::shared_ptr<const press::snapshot>
press::look(const page_order& order, const time_zone& zone, instant now, entry_index n)
{
    const std::shared_ptr<const snapshot> all = look_at_all(order, zone, now, n);
    if (!order.scope) return all;
    if (all != newest_) {
        const std::shared_ptr<const snapshot> today = look_at_all(order, zone, now, reader().size());
        return std::make_shared<const snapshot>(*all, *today, reader(), *order.scope);
    }
    std::shared_ptr<const snapshot>& kept = scoped_[to_text(*order.scope)];
    if (!kept) kept = std::make_shared<const snapshot>(*all, *all, reader(), *order.scope);
    return kept;
}

std::shared_ptr<const press::snapshot>
press::look_at_all(const page_order& order, const time_zone& zone, instant now, entry_index n)
{
    const auto is_good = [&] {
        if (!newest_ || newest_->settings != order.settings || newest_->day != day_of(zone.to_local(now))) return false;
        if (newest_->at.n > n || n - newest_->at.n > news_looked_at_max) return false;
        // Notes (who looked, what was sent) change nothing of it; an erasure and a record do.
        bool only_notes = true;
        reader().entries(newest_->at.n, n, [&](const entry_view& entry) {
            only_notes = entry.kind == entry_kind::note;
            return only_notes;
        });
        return only_notes;
    };
    if (is_good()) return newest_;
    auto made = std::make_shared<const snapshot>(order.settings, reader(), zone, now, n);
    // A page as known in the past is asked for once; the newest by everybody.
    if (n == reader().size()) {
        newest_ = made;
        scoped_.clear();
    }
    return made;
}

// Made from the reader of the whole school; kept from one snapshot to the next.
known_entries& press::known_of(const page_order& order)
{
    entry_index erasures = 0;
    reader().things(what::erasure, reader().size(), [&](const thing_view& each) {
        erasures = each.entry + 1;
        return true;
    });
    if (known_settings_ != order.settings || known_erasures_ != erasures) known_ = {};
    known_settings_ = order.settings;
    known_erasures_ = erasures;
    return known_;
}

workplace press::place_of(const page_order& order, const time_zone& zone, const snapshot& seen, const moment& asked)
{
    return {
        *order.settings,
        seen.within ? *seen.within : reader(),
        zone,
        asked.now,
        asked.n,
        seen.within ? &seen.known : &known_of(order)};
}

// What stands open now, whatever moment the page is asked about: of persons and of their records.
std::set<entry_index> press::opened_now(const page_order& order, const time_zone& zone, const snapshot& seen)
{
    if (order.reader != role::auditor) return {};
    std::set<entry_index> opened = opened_to({*order.settings, reader(), zone, order.now, reader().size()}, order.user);
    std::set<entry_index> all = opened;
    for (const entry_index each : opened)
        for (const entry_index record : seen.everyone.records_of(seen.everyone.person_of(each)))
            all.insert(record);
    return all;
}

page_request press::request_of(
    const page_order& order,
    const snapshot& seen,
    const workplace& at,
    const std::set<entry_index>& opened,
    entry_index id,
    bool is_past
)
{
    return {
        at,
        seen.everyone,
        seen.pupils,
        seen.year_sums,
        order.reader,
        order.target,
        id,
        order.verification,
        order.accounts,
        is_past,
        order.scope.has_value(),
        opened,
        order.is_ending,
        order.waiting.get()};
}

// A page made, before it has its frame.
struct press::drawn_page {
    page_model model;
    std::shared_ptr<const std::string> body; // of the HTML form, which has no need of the model's JSON
    // What it was drawn from.
    std::shared_ptr<const configuration> settings;
    std::int64_t revision = 0;
    std::uint64_t commits = 0;
    instant at{}; // no page is kept whose words follow seconds
};

result<press::drawn_page>
press::draw(const page_order& order, const time_zone& zone, const moment& asked, const page_frame& frame)
{
    // A page takes up to 15 MB, half of it to find what a thousand rows say and half to show it.
    let_go_of_spare_memory_above(much_memory);
    result<page_model> model = no_such_page();
    reader().at_once([&] {
        const std::shared_ptr<const snapshot> seen = look(order, zone, asked.now, asked.n);
        const workplace at = place_of(order, zone, *seen, asked);
        const std::set<entry_index> opened = opened_now(order, zone, *seen);
        const page_request request = request_of(order, *seen, at, opened, order.id, asked.is_past);
        model = order.to->make(request);
    });
    if (!model) return model.error();
    drawn_page drawn;
    drawn.model = std::move(*model);
    if (order.target.form == page_form::html) {
        let_go_of_spare_memory_above(much_memory);
        drawn.body = std::make_shared<const std::string>(render_body(drawn.model, frame, zone));
        std::string().swap(drawn.model.json); // assigning an empty one would keep its room
    }
    return drawn;
}

result<press::drawn_page>
press::draw_or_keep(const page_order& order, const time_zone& zone, const moment& asked, const page_frame& frame)
{
    if (!order.to->is_kept || asked.is_past || !order.target.query.empty()) return draw(order, zone, asked, frame);
    const auto minute_of = [](instant at) { return std::chrono::floor<std::chrono::minutes>(at); };
    const std::int64_t revision = reader().revision();
    const std::string key = fmt::format(
        "{} {} {} {}",
        order.to->name,
        name_of(order.reader),
        static_cast<int>(order.target.form),
        order.scope ? "of " + to_text(*order.scope) : "all"
    );
    // Of a read under way every page of it is a new revision, many a second: of those a page may be a little behind.
    const auto is_good = [&](const drawn_page& kept) {
        const bool is_newest = kept.revision == revision;
        const bool is_young = asked.now >= kept.at && asked.now - kept.at < behind_a_read_max;
        return kept.settings == order.settings && minute_of(kept.at) == minute_of(asked.now) &&
               (is_newest || (kept.commits == order.commits && is_young));
    };
    const auto kept = kept_.find(key);
    if (kept != kept_.end() && is_good(kept->second)) return kept->second;
    result<drawn_page> drawn = draw(order, zone, asked, frame);
    if (!drawn) return drawn;
    drawn->settings = order.settings;
    drawn->revision = revision; // from before the reading: what was written meanwhile is not in it
    drawn->commits = order.commits;
    drawn->at = asked.now;
    kept_.insert_or_assign(key, *drawn);
    return drawn;
}

made_page press::make(const page_order& order)
{
    const configuration& settings = *order.settings;
    const time_zone zone = time_zone::named(settings.school.timezone).value_or(time_zone::utc());
    page_frame frame;
    frame.school = settings.school.name;
    frame.simulated = reader().is_simulated();
    frame.user = order.user;
    frame.reader = order.reader;
    frame.form_token = order.form_token;
    frame.path = order.target.path;
    frame.now_text = clock_text(order.now, zone);
    made_page made;
    const auto refuse = [&](const failure& why) {
        made.answer = order.target.form == page_form::html ? words_for(why, frame)
                                                           : json_problem(why.code == errc::not_found ? 404 : 400, why);
        return made;
    };

    instant now = order.now;
    entry_index n = reader().size();
    const auto asked = order.target.query.find("known_at");
    const bool is_past = asked != order.target.query.end() && !asked->second.empty();
    if (is_past) {
        const auto at = parse_known_at(asked->second, zone);
        if (!at)
            return refuse(
                failure(errc::usage, "That is no moment.", "Give one as RFC 3339 writes it: 2026-11-23T08:55:00Z.")
            );
        if (!reader().has_come(*at, order.now))
            return refuse(failure(errc::usage, "That moment has not come yet.", "Leave it out for what is known now."));
        now = *at;
        n = reader().size_at(now);
        const auto began = reader().began();
        if (!began || now < began->at || n < began->size)
            return refuse(failure(
                errc::usage,
                began ? "Rollbook began on " + long_clock_text(began->at, zone) + "; nothing was known before."
                      : "Rollbook has not yet read any source to its end.",
                "Ask for a later moment."
            ));
        frame.known_at = format_instant(now);
        frame.known_at_text = long_clock_text(now, zone);
        std::string local = clock_text(now, zone);
        std::ranges::replace(local, ' ', 'T');
        frame.known_at_local = local;
    }
    frame.size = n;

    if (order.scope && works_with_pupils(order.reader)) {
        // The whole school's, and what it grew by is not this reader's to know.
        frame.size = 0;
        frame.scope = order.scope->is_empty() ? "" : to_text(*order.scope);
        frame.sees_nobody = order.scope->is_empty();
    }
    std::optional<page_order> then;
    if (auto other = is_past ? other_calendar_at(reader(), n, settings.calendar) : std::nullopt) {
        auto known = std::make_shared<configuration>(settings);
        known->calendar = std::move(*other);
        then = order;
        then->settings = std::move(known);
    }
    result<drawn_page> drawn = draw_or_keep(then ? *then : order, zone, {now, n, is_past}, frame);
    if (!drawn) return refuse(drawn.error());
    page_model* const page = &drawn->model;
    // Only reports are workbooks.
    if (order.target.form == page_form::xlsx && page->file.body.empty()) return refuse(no_such_page());
    made.shown = page->shown;
    made.view = page->view;
    made.offered = std::move(page->offered);
    made.lists_pupils = page->shown.empty() && order.target.form != page_form::html && sees_pupils(order.reader);
    const std::string name = "rollbook-" + (page->file_name.empty() ? std::string(page->page) : page->file_name);
    if (!page->file.body.empty()) {
        made.answer = {page->status, page->file.type, std::move(page->file.body)};
        made.answer.headers.emplace_back(
            "Content-Disposition",
            "attachment; filename=\"" + name + (order.target.form == page_form::csv ? ".csv\"" : ".xlsx\"")
        );
    } else if (order.target.form == page_form::json) {
        made.answer = {page->status, "application/json", page->json + "\n"};
    } else if (order.target.form == page_form::csv) {
        made.answer = {page->status, "text/csv; charset=utf-8", to_csv(*page)};
        made.answer.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + ".csv\"");
    } else {
        if (page->page == "ledger" && order.verification.is_running) frame.again_seconds = 2;
        made.answer = {page->status, "text/html; charset=utf-8", render_page(*page, *drawn->body, frame)};
    }
    return made;
}

web_answer press::proof(entry_index index, const page_order& order)
{
    const configuration& settings = *order.settings;
    const time_zone zone = time_zone::named(settings.school.timezone).value_or(time_zone::utc());
    const entry_index n = reader().size();
    const std::shared_ptr<const snapshot> seen = look(order, zone, order.now, n);
    const workplace at = place_of(order, zone, *seen, {order.now, n});
    const std::set<entry_index> opened = opened_now(order, zone, *seen);
    const page_request request = request_of(order, *seen, at, opened, index, false);
    // What may not be seen is not there, proof or no proof.
    bool visible = false;
    if (index < n)
        at.reader.entries(index, index + 1, [&](const entry_view& entry) {
            visible = sees_entry(request, open_entry(entry));
            return false;
        });
    const result<std::string> proof = visible ? reader().prove(index) : result<std::string>(no_such_page());
    if (!proof) return {404, "text/plain; charset=utf-8", proof.error().what + "\n" + proof.error().to_do + "\n"};
    web_answer answer(200, "text/plain; charset=utf-8", *proof);
    answer.headers.emplace_back(
        "Content-Disposition", "attachment; filename=\"" + std::to_string(index) + ".tlog-proof\""
    );
    return answer;
}

result<web_answer> press::bundle(
    const page_order& order, const verifier_key& key, const exporter& write, const std::filesystem::path& folder
)
{
    const configuration& settings = *order.settings;
    const time_zone zone = time_zone::named(settings.school.timezone).value_or(time_zone::utc());
    const entry_index n = reader().size();
    const std::shared_ptr<const snapshot> seen = look(order, zone, order.now, n);
    const workplace at = place_of(order, zone, *seen, {order.now, n});
    const std::set<entry_index> opened;
    const page_request request = request_of(order, *seen, at, opened, no_entry, false);
    opening_choice choice;
    choice.pseudonymous = true;
    choice.may_go = [&](entry_index index, std::string_view kind) {
        // Of a mark every reader of the whole school's may see who has one.
        if (kind == name_of(what::session_mark) && !order.scope) return true;
        bool visible = false;
        at.reader.entries(index, index + 1, [&](const entry_view& entry) {
            visible = !entry.payload.empty() && sees_entry(request, open_entry(entry));
            return false;
        });
        return visible;
    };
    opening_filter filter(settings, std::move(choice));
    export_request wanted;
    wanted.folder = folder;
    wanted.log = key;
    wanted.openings = order.reader == role::auditor;
    wanted.wants = [&](std::uint64_t index, std::string_view payload) { return filter.wants(index, payload); };
    wanted.progress = [&](std::uint64_t, std::uint64_t) {
        if (order.is_ending && *order.is_ending)
            throw failure_error(failure(errc::stopped, "the daemon is stopping", ""));
    };
    const result<export_report> done = write(wanted);
    if (!done) return done.error();
    auto archive = make_tar(folder, "rollbook-ledger");
    if (!archive) return archive.error();
    web_answer answer(200, "application/x-tar", "");
    answer.stream = std::move(*archive);
    answer.headers.emplace_back(
        "Content-Disposition", "attachment; filename=\"rollbook-ledger-" + std::to_string(done->size) + ".tar\""
    );
    return answer;
}

web_answer press::checkpoint()
{
    const auto newest = reader().newest_checkpoint();
    if (!newest) return {404, "text/plain; charset=utf-8", "There is no checkpoint yet.\n"};
    web_answer answer(200, "text/plain; charset=utf-8", newest->note);
    answer.headers.emplace_back("Content-Disposition", "attachment; filename=\"checkpoint\"");
    return answer;
}

ledger_numbers press::numbers()
{
    ledger_numbers all;
    all.size = reader().size();
    if (const auto newest = reader().newest_checkpoint()) all.checkpoint_at = newest->at;
    all.outbox = reader().outbox();
    all.quarantined = reader().quarantined();
    reader().things(what::alert, all.size, [&](const thing_view& each) {
        all.alerts_open += !each.gone && !each.payload.empty();
        return true;
    });
    all.sources = reader().sources();
    return all;
}

std::optional<instant> parse_known_at(std::string_view text, const time_zone& zone)
{
    if (const auto at = parse_instant(text)) return at;
    if (const auto day = parse_day(text))
        return zone.to_instant(local_instant(*day + std::chrono::days(1))) - std::chrono::milliseconds(1);
    for (const char* form : {"%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"})
        if (const auto local = parse_time(text, form)) return zone.to_instant(local->local);
    return std::nullopt;
}

std::string metrics_text(const ledger_numbers& of, const configuration& settings, instant now, std::size_t sessions)
{
    std::string out;
    const auto head = [&](std::string_view name, std::string_view type, std::string_view help) {
        out += fmt::format("# HELP rollbook_{} {}\n# TYPE rollbook_{} {}\n", name, help, name, type);
    };
    const auto one = [&](std::string_view name, std::string_view type, std::string_view help, std::int64_t value) {
        head(name, type, help);
        out += fmt::format("rollbook_{} {}\n", name, value);
    };
    const auto seconds = [](instant at) {
        return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
    };
    one("ledger_entries", "gauge", "Entries in the ledger.", static_cast<std::int64_t>(of.size));
    if (of.checkpoint_at)
        one("checkpoint_timestamp_seconds",
            "gauge",
            "When the newest checkpoint was signed.",
            seconds(*of.checkpoint_at));
    one("alerts_open", "gauge", "Alerts that have not ended.", of.alerts_open);
    one("outbox_waiting", "gauge", "Messages that wait to be delivered.", of.outbox.waiting);
    one("outbox_failed", "gauge", "Messages given up.", of.outbox.failed);
    std::int64_t undelivered = 0;
    for (const auto& [route, count] : of.outbox.undelivered)
        undelivered += count;
    one("outbox_undelivered", "gauge", "Messages given up, or not delivered within an hour.", undelivered);
    one("quarantined_rows", "gauge", "Rows that could not be read and are kept.", of.quarantined);
    one("web_sessions", "gauge", "People logged in to the pages.", static_cast<std::int64_t>(sessions));
    const auto each_source = [&](std::string_view name, std::string_view help, auto value) {
        head(name, "gauge", help);
        for (const source_configuration& source : settings.sources) {
            const auto found = std::ranges::find(of.sources, source.name, &source_state::source);
            const std::optional<std::int64_t> number =
                found == of.sources.end() ? std::optional<std::int64_t>() : value(*found);
            if (number) out += fmt::format("rollbook_{}{{source=\"{}\"}} {}\n", name, label_text(source.name), *number);
        }
    };
    using number = std::optional<std::int64_t>;
    each_source("source_up", "1 when the newest read succeeded.", [](const source_state& s) {
        return number(is_ok(s) ? 1 : 0);
    });
    each_source("source_last_success_timestamp_seconds", "When a read last succeeded.", [&](const source_state& s) {
        return s.last_success ? number(seconds(*s.last_success)) : number();
    });
    each_source("source_data_age_seconds", "Age of the source's data, by its own word.", [&](const source_state& s) {
        return s.data_as_of ? number(std::max<std::int64_t>(0, seconds(now) - seconds(*s.data_as_of))) : number();
    });
    return out;
}

} // namespace rollbook
