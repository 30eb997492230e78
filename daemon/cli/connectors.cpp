#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"

#include <filesystem>
#include <fstream>
#include <ostream>

namespace rollbook {
namespace {

void print_fields(std::ostream& out, const stream_probe& found)
{
    for (const auto& [name, field] : found.fields) {
        const std::string kind = name.substr(0, name.find('.'));
        const auto all = found.kinds.find(kind);
        const std::size_t of = all == found.kinds.end() ? 0 : all->second;
        const std::size_t percent = of == 0 ? 0 : field.filled * 100 / of;
        out << "      " << plain(name) << "  " << percent << " % filled";
        if (!field.shape.empty()) out << ", such as " << plain(field.shape);
        out << '\n';
    }
}

void print_probe(std::ostream& out, const stream_probe& found)
{
    out << plain(found.stream) << '\n';
    std::size_t rows = 0;
    std::string sizes;
    for (const std::size_t each : found.page_rows) {
        rows += each;
        sizes.append(sizes.empty() ? "" : ", ").append(std::to_string(each));
    }
    out << "      " << rows << " rows on " << found.page_rows.size() << " pages";
    if (!sizes.empty()) out << " (" << sizes << ")";
    out << (found.has_more ? ", and more follow\n" : "\n");
    if (found.data_as_of) out << "      the newest of it is of " << format_instant(*found.data_as_of) << '\n';
    for (const auto& [kind, count] : found.kinds)
        out << "      " << count << " " << plain(kind) << " records\n";
    print_fields(out, found);
    for (const auto& [reason, count] : found.rejections)
        out << "      rejected " << count << ": " << plain(reason) << "\n        "
            << plain(found.rejected.find(reason)->second) << '\n';
    for (const std::string& doubt : doubts(found))
        out << "      " << plain(doubt) << '\n';
    if (!found.why) return;
    out << "BAD   " << plain(found.why->what) << '\n' << "      " << plain(found.why->to_do) << '\n';
}

} // namespace

int run_connectors_list(const command_io& io, const command_options& options)
{
    const auto all = io.context.connectors.list();
    if (!all) throw failure_error(all.error());
    if (options.json) {
        json_list list(io.out);
        for (const auto& each : *all)
            list.item([&](json_writer& out) {
                out.begin_object().member("name", each.name).member("role", each.role);
                out.member("state", each.state).member("title", each.title).end_object();
            });
        list.end();
        return exit_done;
    }
    text_table table(io.out, {"Name", "System", "Role", "State"});
    for (const auto& each : *all)
        table.row({each.name, each.title, each.role, each.state});
    table.end();
    return exit_done;
}

int run_connectors_probe(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        const auto found = io.context.connectors.probe(config, options.source, options.folder);
        if (!found) throw failure_error(found.error());
        bool is_bad = false;
        for (const stream_probe& each : *found) {
            print_probe(io.out, each);
            is_bad = is_bad || each.why.has_value();
        }
        for (const auto& [list, why] : io.context.connectors.not_read(config, options.source))
            io.out << "not asked for: " << plain(list) << "\n      " << plain(why) << '\n';
        if (options.folder.empty())
            io.out << "Nothing was written.\n";
        else
            io.out << "What it answered is in " << options.folder.string() << ", with other people in it.\n"
                   << "Look through it before it leaves the school. Nothing else was written.\n";
        return is_bad ? exit_wrong : exit_done;
    });
}

int run_connectors_new(const command_io& io, const command_options& options)
{
    const std::string& name = options.source;
    if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") != name.npos || name[0] < 'a')
        throw failure_error(failure(
            errc::usage,
            "\"" + name + "\" is no name for a manifest",
            "Use small letters, digits, - and _; a letter first."
        ));
    const std::filesystem::path file = name + ".json";
    if (std::filesystem::exists(file))
        throw failure_error(
            failure(errc::usage, file.string() + " is there already", "Move it away, or take another name.")
        );
    std::ofstream to(file, std::ios::binary);
    to << io.context.connectors.skeleton(name);
    if (!to.flush())
        throw failure_error(
            failure(errc::usage, file.string() + " cannot be written", "Go to a folder that you may write to.")
        );
    io.out << "Wrote " << file.string() << ". Fill in what its comments say, name it in a source as\n"
           << "connector = \"./" << file.string()
           << "\", and try it: rollbook check, then rollbook connectors probe.\n";
    return exit_done;
}

int run_net_allow_list(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        for (const std::string& line : io.context.connectors.allow_list(config))
            io.out << plain(line) << '\n';
        return exit_done;
    });
}

} // namespace rollbook
