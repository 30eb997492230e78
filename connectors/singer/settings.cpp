#include "connectors/singer/settings.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/ports/record_mapping.hpp"

#include <algorithm>
#include <array>

namespace rollbook {

namespace {

constexpr std::array<std::string_view, 6> tap_keys = {
    "command", "config", "catalog", "keep_state", "timeout", "memory_mib"};

class tap_settings_reader {
public:
    tap_settings_reader(const source_configuration& source, std::filesystem::path base)
        : source_(source), base_(std::move(base))
    {
    }

    tap_settings read()
    {
        for (const auto& [key, value] : source_.settings)
            if (std::ranges::find(tap_keys, key) == tap_keys.end())
                wrong(
                    key,
                    "is not a setting of a tap",
                    "Settings are command, config, catalog, keep_state, timeout, memory_mib and mapping."
                );
        tap_settings out;
        read_command(out);
        if (const setting* given = find("config")) {
            if (const auto* table = std::get_if<setting_table>(&given->value))
                out.config = *table;
            else
                wrong(
                    "config",
                    "is not a table",
                    "Give what the tap's own documentation asks for: [source.settings.config]."
                );
        }
        if (const auto* text = get<std::string>("catalog", "a text", "Give the path of the catalog file."))
            out.catalog = (base_ / *text).lexically_normal();
        if (const auto* truth = get<bool>("keep_state", "true or false", "true keeps the tap's state from run to run."))
            out.keeps_state = *truth;
        if (const auto* text = get<std::string>("timeout", "a length of time", "Write it as \"10m\".")) {
            const auto length = parse_duration(*text);
            if (length && *length >= std::chrono::seconds(1) && *length <= std::chrono::hours(24))
                out.timeout = *length;
            else
                wrong("timeout", "is not a length of time between 1s and 1d", "Write it as \"10m\".");
        }
        if (const auto* mib =
                get<std::int64_t>("memory_mib", "a whole number", "Give how much memory the tap may use.")) {
            if (*mib >= 64 && *mib <= 65'536)
                out.memory_bytes = static_cast<std::uint64_t>(*mib) << 20;
            else
                wrong("memory_mib", "is not between 64 and 65536", "Give how much memory the tap may use.");
        }
        check_lists(out);
        return out;
    }

    std::vector<failure> problems;

private:
    const setting* find(const std::string& key) const
    {
        const auto at = source_.settings.find(key);
        return at == source_.settings.end() ? nullptr : &at->second;
    }

    template <class T> const T* get(const std::string& key, const std::string& kind, const std::string& to_do)
    {
        const setting* given = find(key);
        if (!given) return nullptr;
        const T* value = std::get_if<T>(&given->value);
        if (!value) wrong(key, "is not " + kind, to_do);
        return value;
    }

    void wrong(const std::string& key, const std::string& what, const std::string& to_do)
    {
        const setting* given = find(key);
        problems.emplace_back(
            errc::configuration_invalid,
            "source \"" + source_.name + "\": line " + std::to_string(given ? given->line : source_.line) +
                ": settings." + key + " " + what,
            to_do
        );
    }

    void read_command(tap_settings& into)
    {
        const std::string form = "Give the program and its arguments as a list: [\"/opt/taps/bin/tap-example\"].";
        const setting* given = find("command");
        if (!given) return wrong("command", "is missing", form);
        const auto* list = std::get_if<setting_list>(&given->value);
        if (!list || list->empty()) return wrong("command", "is not a list", form);
        for (const setting& word : *list) {
            const auto* text = std::get_if<std::string>(&word.value);
            if (!text || text->find('\0') != text->npos) return wrong("command", "holds what is not a text", form);
            into.command.push_back(*text);
        }
        // Never looked up in a PATH: which program runs is for the configuration to say.
        if (into.command.front().find('/') == std::string::npos)
            return wrong("command", "does not begin with a path", form);
        into.command.front() = (base_ / into.command.front()).lexically_normal().string();
    }

    void check_lists(const tap_settings& read)
    {
        if (!source_.mapping) return;
        const auto& records = source_.mapping->records;
        const auto lists = std::ranges::count_if(records, &record_mapping::lists_all);
        if (lists == 0) return;
        if (lists != static_cast<std::ptrdiff_t>(records.size()))
            wrong(
                "mapping", "says lists_all for some streams only", "Say it for all of the tap's streams, or for none."
            );
        if (read.keeps_state)
            wrong(
                "keep_state",
                "does not go with lists_all: a tap with a state sends only what is new",
                "Set keep_state = false, or lists_all = false."
            );
    }

    const source_configuration& source_;
    const std::filesystem::path base_;
};

result<void> write_setting(json_writer& out, const setting& value, const tap_secret_reader& secrets)
{
    if (const auto* truth = std::get_if<bool>(&value.value)) {
        out.value(*truth);
    } else if (const auto* whole = std::get_if<std::int64_t>(&value.value)) {
        if (std::abs(*whole) <= json_writer::integer_max)
            out.value(*whole);
        else
            out.number(static_cast<double>(*whole));
    } else if (const auto* number = std::get_if<double>(&value.value)) {
        out.number(*number);
    } else if (const auto* text = std::get_if<std::string>(&value.value)) {
        out.value(*text);
    } else if (const auto* secret = std::get_if<secret_reference>(&value.value)) {
        const result<std::string> read = secrets(*secret);
        if (!read) return read.error();
        if (!is_valid_utf8(*read))
            return failure(
                errc::configuration_invalid, "a secret of the tap's config is not text", "Write it in UTF-8."
            );
        out.value(*read);
    } else if (const auto* list = std::get_if<setting_list>(&value.value)) {
        out.begin_array();
        for (const setting& item : *list)
            if (auto written = write_setting(out, item, secrets); !written) return written;
        out.end_array();
    } else {
        out.begin_object();
        for (const auto& [key, item] : std::get<setting_table>(value.value)) {
            out.key(key);
            if (auto written = write_setting(out, item, secrets); !written) return written;
        }
        out.end_object();
    }
    return {};
}

} // namespace

result<tap_settings> read_tap_settings(const source_configuration& source, const std::filesystem::path& base)
{
    tap_settings_reader reader(source, base);
    tap_settings out = reader.read();
    if (!reader.problems.empty()) return reader.problems.front();
    return out;
}

std::vector<failure> check_tap(const source_configuration& source, const std::filesystem::path& base)
{
    tap_settings_reader reader(source, base);
    (void)reader.read();
    return reader.problems;
}

result<std::string> config_json(const setting_table& config, const tap_secret_reader& secrets)
{
    std::string out;
    json_writer json(out);
    setting all;
    all.value = config;
    if (auto written = write_setting(json, all, secrets); !written) return written.error();
    return out;
}

} // namespace rollbook
