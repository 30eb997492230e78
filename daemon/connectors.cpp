#include "daemon/connectors.hpp"

#include "connectors/report/deposit.hpp"
#include "connectors/report/report_connector.hpp"
#include "connectors/rest/json_check.hpp"
#include "connectors/rest/recording.hpp"
#include "connectors/rest/rest_connector.hpp"
#include "connectors/rest/rest_note_writer.hpp"
#include "connectors/singer/singer_connector.hpp"
#include "daemon/net/address.hpp"
#include "daemon/ports/record_mapping.hpp"
#include "daemon/ports/secrets.hpp"
#include "daemon/service/export_preview.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <set>

namespace rollbook {
namespace {

constexpr std::string_view singer_connector_name = "singer";

instant machine_now()
{
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

bool has_manifest(const source_configuration& source)
{
    return source.connector != report_connector_name && source.connector != singer_connector_name;
}

// Paths of secrets are read from the folder of the configuration on.
auto secrets_of(const configuration& settings)
{
    return [folder = settings.file.parent_path()](const secret_reference& reference) {
        return read_secret(reference, folder);
    };
}

// A tap's config is a table in the settings.
void check_secrets_in(const setting_table& table, const std::filesystem::path& folder, std::vector<failure>& wrong)
{
    for (const auto& [key, value] : table) {
        if (const auto* inner = std::get_if<setting_table>(&value.value)) check_secrets_in(*inner, folder, wrong);
        const auto* reference = std::get_if<secret_reference>(&value.value);
        if (!reference) continue;
        const result<std::string> secret = read_secret(*reference, folder);
        if (!secret) wrong.push_back(secret.error());
    }
}

} // namespace

result<std::unique_ptr<connector>> make_connector(
    const configuration& settings,
    const source_configuration& source,
    const manifest_places& manifests,
    http_client& client,
    std::function<instant()> now,
    const std::filesystem::path& record_to
)
{
    const std::filesystem::path folder = settings.file.parent_path();
    if (!has_manifest(source) && !record_to.empty())
        return failure(
            errc::usage,
            "source \"" + source.name + "\" has no answers to record",
            "Only sources with a manifest can be recorded."
        );
    if (source.connector == report_connector_name)
        return make_report_connector(
            source, folder, *time_zone::named(settings.school.timezone), std::move(now), machine_now
        );
    const auto secrets = secrets_of(settings);
    if (source.connector == singer_connector_name)
        return make_singer_connector(source, folder, *time_zone::named(settings.school.timezone), secrets);
    result<manifest> found = find_manifest(source.connector, manifests);
    if (!found) return found.error();
    if (record_to.empty()) return make_rest_connector(std::move(*found), source, secrets, client, std::move(now));
    const auto to = recording::begin(record_to, *found, source, now());
    if (!to) return to.error();
    return make_rest_connector(
        std::move(*found),
        source,
        secrets,
        client,
        std::move(now),
        [to = *to](const auto& request, const auto& response) { to->add(request, response); }
    );
}

namespace {

result<source_configuration> source_of_files(const configuration& settings, const std::string& name)
{
    const auto at = std::ranges::find(settings.sources, name, &source_configuration::name);
    if (at != settings.sources.end() && takes_exports(*at)) return *at;
    return failure(
        errc::configuration_invalid,
        "there is no source \"" + name + "\" that reads export files",
        "Name a [[source]] with connector = \"report\"."
    );
}

} // namespace

result<export_preview> try_export(
    const configuration& settings,
    const std::string& source,
    const std::filesystem::path& folder,
    const std::string& bookmark,
    instant now,
    const std::atomic<bool>* is_ending
)
{
    result<source_configuration> as = source_of_files(settings, source);
    if (!as) return as.error();
    // As it is read in the source's own folder, but that the file is there and stays.
    auto mapping = std::make_shared<mapping_file>(*as->mapping);
    mapping->files = export_file_name;
    mapping->settle = {};
    mapping->then = after_import::leave;
    as->mapping = std::move(mapping);
    as->settings["folder"].value = folder.string();
    auto made = make_report_connector(
        *as,
        settings.file.parent_path(),
        *time_zone::named(settings.school.timezone),
        [now] { return now; },
        machine_now
    );
    if (!made) return made.error();
    (*made)->resume(0, bookmark);
    boost::asio::io_context io(1);
    std::optional<result<export_preview>> found;
    std::exception_ptr broken;
    boost::asio::co_spawn(io, preview(**made, is_ending), [&](std::exception_ptr e, result<export_preview> out) {
        broken = e;
        if (!e) found.emplace(std::move(out));
    });
    io.run();
    if (broken) std::rethrow_exception(broken);
    return std::move(*found);
}

result<void>
add_export(const configuration& settings, const std::string& source, const std::filesystem::path& file, instant now)
{
    const result<source_configuration> as = source_of_files(settings, source);
    if (!as) return as.error();
    const auto read = read_report_settings(*as, settings.file.parent_path());
    if (!read) return read.error();
    std::string mark = "added-" + format_instant(now);
    std::ranges::replace(mark, ':', '-');
    return deposit(file, read->folder, as->mapping->files, mark);
}

result<std::unique_ptr<note_writer>> make_note_writer(
    const configuration& settings,
    const std::string& source,
    const std::string& operation,
    const manifest_places& manifests,
    http_client& client
)
{
    const auto at = std::ranges::find(settings.sources, source, &source_configuration::name);
    if (at == settings.sources.end() || !has_manifest(*at))
        return failure(
            errc::configuration_invalid,
            "source \"" + source + "\" cannot be written to",
            "A note route needs a source with a REST manifest that has a write operation."
        );
    result<manifest> found = find_manifest(at->connector, manifests);
    if (!found) return found.error();
    if (operation.empty() && found->writes.size() != 1)
        return failure(
            errc::configuration_invalid,
            "the manifest " + found->name + " has " + std::to_string(found->writes.size()) + " write operations",
            found->writes.empty() ? "This system can only be read." : "Name one in the route's settings: operation."
        );
    const std::string name = operation.empty() ? found->writes.front().name : operation;
    return make_rest_note_writer(std::move(*found), name, *at, secrets_of(settings), client);
}

std::vector<failure>
check_connector(const configuration& settings, const source_configuration& source, const manifest_places& manifests)
{
    if (source.connector == report_connector_name) return check_report(source, settings.file.parent_path());
    if (source.connector == singer_connector_name) return check_tap(source, settings.file.parent_path());
    const result<manifest> found = find_manifest(source.connector, manifests);
    if (!found) return {found.error()};
    return check_settings(*found, source);
}

result<std::vector<known_connector>>
known_connectors(const manifest_places& manifests, const std::filesystem::path& mappings)
{
    std::vector<known_connector> out;
    for (const std::filesystem::path& file : manifest_files(manifests)) {
        const result<manifest> m = load_manifest(file, manifests.schemas);
        if (!m) return m.error();
        out.push_back({m->name, m->title, m->role, m->basis});
    }
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(mappings, none)) {
        if (entry.path().extension() != ".toml") continue;
        const std::string name = entry.path().stem().string();
        const auto text = read_text_file(entry.path());
        const bool tells_concerns = text && text->find("record = \"concern\"") != text->npos;
        out.push_back(
            {name, "export files, connector \"report\"", tells_concerns ? "safeguarding" : "mis", "files only"}
        );
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

result<std::vector<connector_tools::question>>
questions_of(const std::string& system, const manifest_places& manifests, const std::filesystem::path& mappings)
{
    std::vector<connector_tools::question> out;
    std::error_code none;
    if (const auto mapping = mappings / (system + ".toml"); std::filesystem::is_regular_file(mapping, none)) {
        out.push_back({"folder", "Folder", "Where the export files are put.", "", "", true, false});
        out.push_back({"mapping", "", "", "", mapping.string(), true, false});
        return out;
    }
    const result<manifest> found = find_manifest(system, manifests);
    if (!found) return found.error();
    for (const setting_spec& spec : found->spec) {
        if (!spec.required && !spec.secret && !spec.asked && spec.type != setting_spec::kind::url) continue;
        if (spec.name.starts_with("proxy")) continue; // few have one, and who does can write it down
        connector_tools::question asked{spec.name, spec.title, spec.description, "", "", spec.required, spec.secret};
        if (spec.otherwise) {
            if (const auto* text = std::get_if<std::string>(&*spec.otherwise)) asked.usual = *text;
            if (const auto* number = std::get_if<std::int64_t>(&*spec.otherwise)) asked.usual = std::to_string(*number);
        }
        asked.is_number = spec.type == setting_spec::kind::integer;
        asked.limits_days = std::ranges::any_of(found->streams, [&](const stream_spec& each) {
            return each.window_param.find("{" + spec.name + "}") != std::string::npos;
        });
        out.push_back(std::move(asked));
    }
    return out;
}

std::vector<connector_tools::unread>
not_read(const configuration& settings, const std::string& source, const manifest_places& manifests)
{
    std::vector<connector_tools::unread> out;
    const auto at = std::ranges::find(settings.sources, source, &source_configuration::name);
    if (at == settings.sources.end() || !has_manifest(*at)) return out;
    if (const result<manifest> m = find_manifest(at->connector, manifests))
        for (const unread_list& each : m->not_read)
            out.push_back({each.list, each.why});
    return out;
}

source_timeliness
timeliness_of(const source_configuration& source, const connector& reads, const manifest_places& manifests)
{
    source_timeliness out;
    out.name = source.name;
    out.poll_every = source.poll_every;
    for (const stream_info& stream : reads.streams())
        out.makes.insert(out.makes.end(), stream.makes.begin(), stream.makes.end());
    if (source.connector == report_connector_name || source.connector == singer_connector_name) return out;
    if (const result<manifest> m = find_manifest(source.connector, manifests)) out.behind = m->freshness;
    return out;
}

namespace {

void add_host(std::set<std::string>& to, const std::string& url, const std::string& why)
{
    const auto address = net::read_address(url);
    if (!address || net::is_loopback(address->host)) return;
    const auto scheme_end = address->origin.find("://");
    to.insert(address->origin.substr(scheme_end + 3) + "  " + why);
}

void add_hosts(std::set<std::string>& to, const setting_table& settings, const std::string& why)
{
    for (const auto& [key, value] : settings)
        if (const auto* text = std::get_if<std::string>(&value.value); text && text->find("://") != text->npos)
            add_host(to, *text, why);
}

} // namespace

std::vector<std::string> allow_list(const configuration& settings, const manifest_places& manifests)
{
    std::set<std::string> out;
    for (const source_configuration& source : settings.sources) {
        const std::string why = "source " + source.name;
        const auto proxy = source.settings.find("proxy");
        const auto* named = proxy == source.settings.end() ? nullptr : std::get_if<std::string>(&proxy->second.value);
        const result<manifest> m = find_manifest(source.connector, manifests);
        if (!m || (named && !named->empty())) {
            add_hosts(out, source.settings, named ? why + " (through its proxy)" : why);
            continue;
        }
        const result<resolved_settings> resolved = resolve_settings(*m, source);
        if (!resolved) continue;
        for (const setting_spec& spec : m->spec)
            if (spec.type == setting_spec::kind::url) add_host(out, resolved->values.find(spec.name)->second, why);
    }
    for (const route_configuration& route : settings.routes) {
        add_hosts(out, route.settings, "route " + route.name);
        const auto oauth = route.settings.find("oauth");
        if (oauth == route.settings.end()) continue;
        const auto* table = std::get_if<setting_table>(&oauth->second.value);
        if (table && table->contains("token_url"))
            add_hosts(out, *table, "route " + route.name);
        else
            add_host(out, "https://login.microsoftonline.com", "route " + route.name);
    }
    return std::vector<std::string>(out.begin(), out.end());
}

std::vector<failure> check_secrets(const configuration& settings, const source_configuration& source)
{
    std::vector<failure> wrong;
    check_secrets_in(source.settings, settings.file.parent_path(), wrong);
    return wrong;
}

} // namespace rollbook
