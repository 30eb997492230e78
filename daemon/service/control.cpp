#include "daemon/service/control.hpp"

#include "daemon/base/failure_json.hpp"
#include "daemon/base/json_index.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace rollbook {
namespace {

std::string text_of(json_view value)
{
    return std::string(value.string_if().value_or(""));
}

void write_row(json_writer& out, const statement_row& row)
{
    out.begin_object();
    out.member("at", format_instant(row.at));
    out.member("balanced", row.balanced);
    out.member("changed", row.changed);
    out.member("duplicate", row.duplicate);
    out.member("fresh", row.fresh);
    out.member("held", row.held);
    out.member("leavers", row.leavers);
    out.member("not_read", row.not_read);
    out.member("out_of_scope", row.out_of_scope);
    out.member("outside_window", row.outside_window);
    out.member("quarantined", row.quarantined);
    out.member("read", row.read);
    out.member("record", name_of(row.record));
    out.member("restored", row.restored);
    out.member("source", row.source);
    if (row.source_total) out.member("source_total", *row.source_total);
    out.member("tombstoned", row.tombstoned);
    out.member("unchanged", row.unchanged);
    out.member("vanished", row.vanished);
    out.end_object();
}

statement_row read_row(json_view row)
{
    const auto number = [&](std::string_view key) { return row[key].int_if().value_or(0); };
    statement_row made;
    made.at = parse_instant(row["at"].string_if().value_or("")).value_or(instant{});
    made.source = text_of(row["source"]);
    made.record = parse_what(row["record"].string_if().value_or("")).value_or(what::pupil);
    made.read = number("read");
    made.fresh = number("fresh");
    made.changed = number("changed");
    made.unchanged = number("unchanged");
    made.duplicate = number("duplicate");
    made.quarantined = number("quarantined");
    made.vanished = number("vanished");
    made.tombstoned = number("tombstoned");
    made.leavers = number("leavers");
    made.out_of_scope = number("out_of_scope");
    made.outside_window = number("outside_window");
    made.restored = number("restored");
    if (row["source_total"].is_int()) made.source_total = row["source_total"].as_int();
    made.held = number("held");
    made.not_read = text_of(row["not_read"]);
    made.balanced = row["balanced"].bool_if().value_or(false);
    return made;
}

void write_checkpoint(json_writer& out, const checkpoint_request& request)
{
    out.member("command", "checkpoint");
    if (request.keep) {
        out.member("keep", name_of(*request.keep));
        return;
    }
    out.key("lines").begin_array();
    for (const cosignature& each : request.lines) {
        out.begin_object().member("key_id", each.key_id).member("line", each.line).member("name", each.name);
        if (each.posix_seconds) out.member("signed_at", *each.posix_seconds);
        out.end_object();
    }
    out.end_array();
    out.member("size", request.size);
}

bool read_checkpoint(json_view root, checkpoint_request& request)
{
    if (const auto keep = root["keep"].string_if()) {
        request.keep = parse_keep_reason(*keep);
        return request.keep.has_value();
    }
    const auto size = index_in(root["size"]);
    if (!size) return false;
    request.size = *size;
    root["lines"].for_each_element([&](json_view each) {
        cosignature line;
        line.line = text_of(each["line"]);
        line.name = text_of(each["name"]);
        line.key_id = static_cast<std::uint32_t>(each["key_id"].int_if().value_or(0));
        line.posix_seconds = index_in(each["signed_at"]);
        request.lines.push_back(std::move(line));
    });
    return !request.lines.empty();
}

poll_report report_of(json_view root)
{
    const auto number = [&](std::string_view key) { return root[key].int_if().value_or(0); };
    poll_report report;
    report.alerts_ended = number("alerts_ended");
    report.alerts_opened = number("alerts_opened");
    report.entries = number("entries");
    root["failures"].for_each_element([&](json_view each) { report.failures.push_back(read_failure(each)); });
    report.messages_delivered = number("messages_delivered");
    report.messages_waiting = number("messages_waiting");
    report.seconds = static_cast<double>(number("milliseconds")) / 1000;
    root["statements"].for_each_element([&](json_view each) { report.statements.push_back(read_row(each)); });
    return report;
}

template <class F> std::string line(F&& write)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    write(out);
    out.end_object();
    return text + "\n";
}

// A descriptor that is closed with its owner.
struct descriptor {
    int number;
    explicit descriptor(int n) : number(n) {}
    ~descriptor()
    {
        if (number >= 0) ::close(number);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
};

constexpr std::array<std::string_view, 6> upkeep_words = {"erase", "retention", "hold", "end-hold", "backup", "reseal"};

void write_upkeep(json_writer& out, const upkeep_request& request)
{
    out.member("basis", request.basis);
    out.member("by", request.by);
    out.member("command", upkeep_words[static_cast<std::size_t>(request.command)]);
    out.member("dry_run", request.dry_run);
    out.member("file", request.file.string());
    out.member("override", request.override_minimum);
    if (request.pupil != no_entry) out.member("pupil", request.pupil);
    out.member("reason", request.reason);
    out.member("user", request.user);
}

std::optional<upkeep_request> read_upkeep(json_view root)
{
    const auto word = std::ranges::find(upkeep_words, text_of(root["command"]));
    if (word == upkeep_words.end()) return std::nullopt;
    upkeep_request request;
    request.command = static_cast<upkeep_request::kind>(word - upkeep_words.begin());
    request.basis = text_of(root["basis"]);
    request.by = text_of(root["by"]);
    request.dry_run = root["dry_run"].bool_if().value_or(true); // what is not said clearly changes nothing
    request.file = text_of(root["file"]);
    request.override_minimum = root["override"].bool_if().value_or(false);
    request.pupil = index_in(root["pupil"]).value_or(no_entry);
    request.reason = text_of(root["reason"]);
    request.user = text_of(root["user"]);
    return request;
}

void write_day(json_writer& out, std::string_view key, const std::optional<civil_day>& day)
{
    if (day) out.member(key, format_day(*day));
}

constexpr std::array<std::string_view, 4> account_words = {"add", "remove", "reset", "alter"};

void write_account(json_writer& out, const account_request& request)
{
    if (request.body) out.member("body", *request.body);
    out.member("change", account_words[static_cast<std::size_t>(request.command)]);
    out.member("command", "account");
    write_day(out, "first_day", request.first_day);
    write_day(out, "last_day", request.last_day);
    out.member("name", request.name);
    if (request.person) out.member("person", *request.person);
    if (request.purpose) out.member("purpose", *request.purpose);
    if (request.role) out.member("role", name_of(*request.role));
    if (request.scope) out.member("scope", to_text(*request.scope));
    out.member("setup_hash", request.setup_hash);
    if (!request.successor.empty()) out.member("successor", request.successor);
    out.member("user", request.user);
}

std::optional<account_request> read_account(json_view root)
{
    const auto word = std::ranges::find(account_words, text_of(root["change"]));
    if (word == account_words.end()) return std::nullopt;
    account_request request;
    request.command = static_cast<account_request::kind>(word - account_words.begin());
    request.name = text_of(root["name"]);
    request.role = parse_role(text_of(root["role"]));
    request.setup_hash = text_of(root["setup_hash"]);
    request.successor = text_of(root["successor"]);
    const auto words = [&](std::string_view key) {
        return root[key].is_null() ? std::optional<std::string>() : text_of(root[key]);
    };
    request.person = words("person");
    request.body = words("body");
    request.purpose = words("purpose");
    request.first_day = parse_day(text_of(root["first_day"]));
    request.last_day = parse_day(text_of(root["last_day"]));
    if (const auto text = words("scope")) {
        const auto scope = parse_scope(*text);
        if (!scope) return std::nullopt;
        request.scope = *scope;
    }
    request.user = text_of(root["user"]);
    return request;
}

upkeep_report upkeep_of(json_view root)
{
    upkeep_report report;
    report.ok = root["ok"].bool_if().value_or(false);
    report.json = text_of(root["json"]);
    root["lines"].for_each_element([&](json_view each) { report.lines.push_back(text_of(each)); });
    return report;
}

void write_decision(json_writer& out, const decision_request& request)
{
    if (request.about != no_entry) out.member("about", request.about);
    out.member("action", request.action);
    out.member("adult", request.adult);
    out.member("by", request.by);
    out.member("command", "decide");
    out.member("decision", decision_words[static_cast<std::size_t>(request.kind)]);
    write_day(out, "due", request.due);
    write_day(out, "on", request.on);
    out.member("outcome", request.outcome);
    out.member("owner", request.owner);
    if (request.pupil != no_entry) out.member("pupil", request.pupil);
    write_day(out, "review", request.review);
    out.member("rule", request.rule);
    out.member("source", request.source);
    out.member("stream", request.stream);
    out.member("text", request.text);
    write_day(out, "until", request.until);
    out.member("user", request.user);
}

// A day that is there and cannot be read makes the whole request unreadable: a decision is not guessed at.
std::optional<decision_request> read_decision(json_view root)
{
    const auto word = std::ranges::find(decision_words, text_of(root["decision"]));
    if (word == decision_words.end()) return std::nullopt;
    bool sound = true;
    const auto index = [&](json_view from) {
        const auto number = index_in(from);
        sound = sound && (from.is_absent() || number);
        return number.value_or(no_entry);
    };
    const auto day = [&](json_view from) {
        const auto read = parse_day(from.string_if().value_or(""));
        sound = sound && (from.is_absent() || read);
        return read;
    };
    decision_request request;
    request.kind = static_cast<decision_kind>(word - decision_words.begin());
    request.about = index(root["about"]);
    request.action = text_of(root["action"]);
    request.adult = text_of(root["adult"]);
    request.by = text_of(root["by"]);
    request.due = day(root["due"]);
    request.on = day(root["on"]);
    request.outcome = text_of(root["outcome"]);
    request.owner = text_of(root["owner"]);
    request.pupil = index(root["pupil"]);
    request.review = day(root["review"]);
    request.rule = text_of(root["rule"]);
    request.source = text_of(root["source"]);
    request.stream = text_of(root["stream"]);
    request.text = text_of(root["text"]);
    request.until = day(root["until"]);
    request.user = text_of(root["user"]);
    if (!sound) return std::nullopt;
    return request;
}

failure daemon_gone()
{
    return failure(
        errc::ledger_in_doubt, "the daemon went away before it answered", "Look at its log, then run the command again."
    );
}

} // namespace

std::filesystem::path control_socket(const std::filesystem::path& ledger)
{
    return ledger.string() + ".sock";
}

std::string to_line(const control_request& request)
{
    return line([&](json_writer& out) {
        if (request.command == control_request::kind::poll) {
            out.member("allow_vanished", request.poll.allow_vanished);
            out.member("command", "poll");
            out.member("source", request.poll.source);
        } else if (request.command == control_request::kind::checkpoint) {
            write_checkpoint(out, request.checkpoint);
        } else if (request.command == control_request::kind::upkeep) {
            write_upkeep(out, request.upkeep);
        } else if (request.command == control_request::kind::account) {
            write_account(out, request.account);
        } else if (request.command == control_request::kind::decide) {
            write_decision(out, request.decision);
        } else {
            out.member("command", "access");
            if (request.access.pupil != no_entry) out.member("pupil", request.access.pupil);
            out.member("reason", request.access.reason);
            out.member("user", request.access.user);
            out.member("view", request.access.view);
        }
    });
}

std::optional<control_request> parse_request(std::string_view text)
{
    const auto parsed = json_document::parse(std::string(text));
    if (!parsed) return std::nullopt;
    const json_view root = parsed->root();
    control_request request;
    const std::string command = text_of(root["command"]);
    if (command == "poll") {
        request.poll.source = text_of(root["source"]);
        request.poll.allow_vanished = text_of(root["allow_vanished"]);
        return request;
    }
    if (command == "checkpoint") {
        request.command = control_request::kind::checkpoint;
        if (!read_checkpoint(root, request.checkpoint)) return std::nullopt;
        return request;
    }
    if (command == "account") {
        auto account = read_account(root);
        if (!account) return std::nullopt;
        request.command = control_request::kind::account;
        request.account = std::move(*account);
        return request;
    }
    if (command == "decide") {
        request.command = control_request::kind::decide;
        auto decision = read_decision(root);
        if (!decision) return std::nullopt;
        request.decision = std::move(*decision);
        return request;
    }
    if (auto upkeep = read_upkeep(root)) {
        request.command = control_request::kind::upkeep;
        request.upkeep = std::move(*upkeep);
        return request;
    }
    if (command != "access") return std::nullopt;
    request.command = control_request::kind::access;
    request.access.pupil = index_in(root["pupil"]).value_or(no_entry);
    request.access.user = text_of(root["user"]);
    request.access.view = text_of(root["view"]);
    request.access.reason = text_of(root["reason"]);
    return request;
}

std::string progress_line(std::string_view text)
{
    return line([&](json_writer& out) { out.member("progress", text); });
}

std::string report_line(const poll_report& report)
{
    return line([&](json_writer& out) {
        out.key("report").begin_object();
        out.member("alerts_ended", report.alerts_ended);
        out.member("alerts_opened", report.alerts_opened);
        out.member("entries", report.entries);
        out.key("failures").begin_array();
        for (const failure& why : report.failures)
            write_failure(out, why);
        out.end_array();
        out.member("messages_delivered", report.messages_delivered);
        out.member("messages_waiting", report.messages_waiting);
        out.member("milliseconds", static_cast<std::int64_t>(report.seconds * 1000));
        out.key("statements").begin_array();
        for (const statement_row& row : report.statements)
            write_row(out, row);
        out.end_array();
        out.end_object();
    });
}

std::string upkeep_line(const upkeep_report& report)
{
    return line([&](json_writer& out) {
        out.key("upkeep").begin_object();
        out.member("json", report.json);
        out.key("lines").begin_array();
        for (const std::string& each : report.lines)
            out.value(each);
        out.end_array();
        out.member("ok", report.ok);
        out.end_object();
    });
}

std::string failure_line(const failure& why)
{
    return line([&](json_writer& out) {
        out.key("failure");
        write_failure(out, why);
    });
}

namespace {

// One exchange with the daemon: its last line, or why there is none. Empty when no daemon listens.
std::optional<result<json_document>> exchange(
    const std::filesystem::path& ledger,
    const control_request& request,
    const std::function<void(const std::string&)>& progress
)
{
    const std::string path = control_socket(ledger).string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return std::nullopt;
    std::memcpy(address.sun_path, path.data(), path.size());
    const descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.number < 0) return std::nullopt;
    if (::connect(socket.number, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return std::nullopt;

    const std::string asked = to_line(request);
    if (::send(socket.number, asked.data(), asked.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(asked.size()))
        return result<json_document>(daemon_gone());
    std::string got;
    std::array<char, 4096> some;
    for (;;) {
        const ssize_t n = ::recv(socket.number, some.data(), some.size(), 0);
        if (n <= 0) return result<json_document>(daemon_gone());
        got.append(some.data(), static_cast<std::size_t>(n));
        for (std::size_t end = got.find('\n'); end != std::string::npos; end = got.find('\n')) {
            auto parsed = json_document::parse(got.substr(0, end));
            got.erase(0, end + 1);
            if (!parsed) return result<json_document>(daemon_gone());
            const json_view root = parsed->root();
            if (root["progress"].is_string()) {
                if (progress) progress(text_of(root["progress"]));
                continue;
            }
            if (root["failure"].is_object()) return result<json_document>(read_failure(root["failure"]));
            return parsed;
        }
    }
}

} // namespace

std::optional<result<poll_report>> ask_daemon(
    const std::filesystem::path& ledger,
    const control_request& request,
    const std::function<void(const std::string&)>& progress
)
{
    const auto answer = exchange(ledger, request, progress);
    if (!answer) return std::nullopt;
    if (!*answer) return result<poll_report>(answer->error());
    return result<poll_report>(report_of((*answer)->root()["report"]));
}

std::optional<result<upkeep_report>>
ask_upkeep(const std::filesystem::path& ledger, const control_request& request, const upkeep_progress& progress)
{
    const auto answer = exchange(ledger, request, progress);
    if (!answer) return std::nullopt;
    if (!*answer) return result<upkeep_report>(answer->error());
    return result<upkeep_report>(upkeep_of((*answer)->root()["upkeep"]));
}

} // namespace rollbook
