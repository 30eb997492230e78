#include "daemon/base/json.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/views/people.hpp"

#include <algorithm>
#include <array>
#include <ostream>
#include <set>

namespace rollbook {
namespace {

// Which openings go out. Those of concerns do only when a safeguarding lead said so: no proof needs them.
class opening_filter {
public:
    opening_filter(const command_options& options, const workplace& at)
        : config_(at.config), concerns_(options.concerns), pseudonymous_(options.pseudonymous), what_(options.kind)
    {
        if (options.pupil.empty()) return;
        const people everyone(at);
        const std::vector<entry_index> records = everyone.records_of(everyone.find(options.pupil).value());
        records_.emplace(records.begin(), records.end());
    }

    bool wants(entry_index index, std::string_view payload)
    {
        const result<json_document> parsed = json_document::parse(std::string(payload));
        if (!parsed) return false;
        const json_view root = parsed->root();
        const std::string_view kind = root["what"].string_if().value_or("");
        if (!what_.empty() && kind != what_) return false;
        if (records_ && !is_about(root, kind, index)) return false;
        if (pseudonymous_ && !names_nobody(root, kind)) return false;
        if (concerns_ || !is_of_safeguarding(root, kind)) return true;
        ++withheld_;
        return false;
    }

    std::uint64_t withheld() const { return withheld_; }

private:
    bool is_about(json_view root, std::string_view kind, entry_index index) const
    {
        const auto names = [&](std::string_view key) {
            const auto number = root[key].int_if();
            return number && *number >= 0 && records_->contains(static_cast<entry_index>(*number));
        };
        if (kind == name_of(what::pupil))
            return root["subject"].is_int() ? names("subject") : records_->contains(index);
        return names("pupil") || names("other");
    }

    // A payload is handed out whole or not at all: what has a source's own fields, or words that a person wrote, is
    // not.
    static bool names_nobody(json_view root, std::string_view kind)
    {
        constexpr what kinds[] = {
            what::session_mark,
            what::alert,
            what::delivery,
            what::statement,
            what::settings,
            what::heartbeat,
            what::key,
            what::fork};
        if (std::ranges::none_of(kinds, [&](what each) { return kind == name_of(each); })) return false;
        if (kind == name_of(what::settings)) {
            const std::string_view name = root["name"].string_if().value_or("");
            return !name.starts_with("hold/") && !name.starts_with("silence/");
        }
        return std::ranges::all_of(std::array{"comment", "amendment", "decision"}, [&](const char* key) {
            return root[key].is_null();
        });
    }

    bool is_mis(std::string_view source) const
    {
        const auto known = std::ranges::find(config_.sources, source, &source_configuration::name);
        return known != config_.sources.end() && known->role == source_role::mis;
    }

    // A concern, or whatever else came from a source that is not an MIS. A source that the configuration no longer
    // names is taken for one of safeguarding.
    bool is_of_safeguarding(json_view root, std::string_view kind) const
    {
        if (kind == name_of(what::concern) || kind == name_of(what::action)) return true;
        bool other = false;
        if (const auto source = root["source"].string_if()) other = !is_mis(*source);
        root["sources"].for_each_element([&](json_view each) { other |= !is_mis(each.string_if().value_or("")); });
        return other;
    }

    const configuration& config_;
    bool concerns_;
    bool pseudonymous_;
    std::string what_;
    std::optional<std::set<entry_index>> records_;
    std::uint64_t withheld_ = 0;
};

void check_words(const command_options& options)
{
    const auto refuse = [](std::string what, std::string to_do) {
        throw failure_error(failure(errc::usage, std::move(what), std::move(to_do)));
    };
    if (!options.openings &&
        (!options.kind.empty() || !options.pupil.empty() || options.concerns || options.pseudonymous))
        refuse("--what, --pupil, --pseudonymous and --concerns choose openings", "Add --openings, or leave them out.");
    if (!options.kind.empty() && !parse_what(options.kind))
        refuse("--what names no kind of record", "Give session-mark, incident, pupil, alert or another like them.");
    const bool needs_lead = options.kind == name_of(what::concern) || options.kind == name_of(what::action);
    if (needs_lead && !options.concerns)
        refuse(
            "the content of concerns is exported only when a safeguarding lead has said so",
            "Ask whether a proof needs it: none does. If it must be, add --concerns --by NAME --reason TEXT."
        );
    if (options.concerns && (options.by.empty() || options.reason.empty()))
        refuse("--concerns needs --by NAME and --reason TEXT", "Name the safeguarding lead who said so, and why.");
}

access_record record_of(const command_options& options)
{
    access_record seen;
    seen.view = options.concerns ? "export-concerns" : options.openings ? "export-openings" : "export";
    if (!options.by.empty()) seen.reason = "by " + options.by;
    if (!options.reason.empty()) seen.reason += (seen.reason.empty() ? "" : ": ") + options.reason;
    return seen;
}

void print_export(std::ostream& out, const command_options& options, const export_report& report)
{
    out << "Exported " << grouped(static_cast<std::int64_t>(report.size)) << " entries to "
        << plain(options.folder.string()) << ": " << report.files_written << " files written, " << report.files_kept
        << " of the earlier export kept.\nRoot: " << to_base64(report.root) << '\n';
    if (options.openings)
        out << "openings.ndjson: " << report.openings << " openings, " << report.left_out << " left out, "
            << report.erased << " erased.\n";
}

} // namespace

int run_ledger_export(const command_io& io, const command_options& options)
{
    check_words(options);
    return with_ledger(io, options, [&](const workplace& at) {
        opening_filter filter(options, at);
        export_request wanted;
        wanted.folder = options.folder;
        wanted.log = log_key_of(io, options, at.config);
        wanted.openings = options.openings;
        wanted.wants = [&](entry_index index, std::string_view payload) { return filter.wants(index, payload); };
        // Who took what is an entry before anything is taken, and the checkpoint that covers it is kept for good.
        io.context.record_access(at.config, record_of(options)).value();
        checkpoint_request keep;
        keep.keep = keep_reason::exported;
        io.context.change_checkpoint(at.config, keep).value();
        export_report report;
        {
            progress_line progress(io.err, io.shows_progress);
            wanted.progress = [&](std::uint64_t done, std::uint64_t all) {
                progress.show(
                    grouped(static_cast<std::int64_t>(done)) + " of " + grouped(static_cast<std::int64_t>(all)) +
                    " entries exported"
                );
            };
            report = io.context.export_ledger(at.config, wanted).value();
        }
        print_export(io.out, options, report);
        if (filter.withheld() > 0)
            io.err << filter.withheld()
                   << " openings from safeguarding were left out; proofs do not need them. With a lead's approval: "
                      "--concerns --by NAME --reason TEXT.\n";
        return exit_done;
    });
}

} // namespace rollbook
