#include "connectors/rest/settings.hpp"

#include "connectors/rest/url.hpp"
#include "daemon/base/url_encoding.hpp"

namespace rollbook {

namespace {

using setting_kind = setting_spec::kind;

std::string expected(const setting_spec& spec)
{
    std::string out = "\"" + spec.name + "\" is ";
    if (spec.secret)
        out += "a secret, given by reference: { file = }, { env = } or { credential = }";
    else if (spec.type == setting_kind::integer)
        out += "a whole number";
    else if (spec.type == setting_kind::boolean)
        out += "true or false";
    else if (spec.type == setting_kind::url)
        out += "an https:// address (http:// to this machine only) without user, query or fragment";
    else
        out += "a text";
    if (spec.minimum && spec.maximum)
        out += " from " + std::to_string(*spec.minimum) + " to " + std::to_string(*spec.maximum);
    return out + ". " + spec.title + ": " + spec.description;
}

class checker {
public:
    checker(const manifest& m, const source_configuration& source) : manifest_(m), source_(source) {}

    void run()
    {
        for (const auto& [name, given] : source_.settings)
            if (!manifest_.setting(name)) {
                std::string known;
                for (const setting_spec& s : manifest_.spec)
                    known += (known.empty() ? "" : ", ") + s.name;
                wrong(
                    name, given.line, "is not known to the manifest " + manifest_.name, "Known settings: " + known + "."
                );
            }
        for (const setting_spec& spec : manifest_.spec) {
            const auto at = source_.settings.find(spec.name);
            if (at != source_.settings.end())
                take(spec, at->second);
            else if (spec.required)
                wrong(spec.name, source_.line, "is missing", expected(spec));
            else
                take_default(spec);
        }
    }

    resolved_settings settings;
    std::vector<failure> failures;

private:
    void wrong(const std::string& key, int line, const std::string& what, std::string to_do)
    {
        failures.emplace_back(
            errc::configuration_invalid,
            "source \"" + source_.name + "\": line " + std::to_string(line) + ": settings." + key + " " + what,
            std::move(to_do)
        );
    }

    void take_default(const setting_spec& spec)
    {
        std::string& to = settings.values[spec.name];
        if (!spec.otherwise) return;
        if (const auto* text = std::get_if<std::string>(&*spec.otherwise)) to = *text;
        if (const auto* number = std::get_if<std::int64_t>(&*spec.otherwise)) to = std::to_string(*number);
        if (const auto* truth = std::get_if<bool>(&*spec.otherwise)) to = *truth ? "true" : "false";
    }

    void take(const setting_spec& spec, const setting& given)
    {
        const auto no = [&](const std::string& what) { wrong(spec.name, given.line, what, expected(spec)); };
        if (spec.secret) {
            if (const auto* reference = std::get_if<secret_reference>(&given.value))
                settings.secrets[spec.name] = *reference;
            else
                no("is not a reference to a secret");
            return;
        }
        std::string& to = settings.values[spec.name];
        if (spec.type == setting_kind::integer) {
            const auto* number = std::get_if<std::int64_t>(&given.value);
            if (!number) return no("is not a whole number");
            if ((spec.minimum && *number < *spec.minimum) || (spec.maximum && *number > *spec.maximum))
                return no("is out of range");
            to = std::to_string(*number);
        } else if (spec.type == setting_kind::boolean) {
            const auto* truth = std::get_if<bool>(&given.value);
            if (!truth) return no("is not true or false");
            to = *truth ? "true" : "false";
        } else {
            const auto* text = std::get_if<std::string>(&given.value);
            if (!text) return no("is not a text");
            if (spec.required && text->empty()) return no("is empty");
            to = *text;
            if (spec.type == setting_kind::url) take_address(spec, given, to);
        }
    }

    void take_address(const setting_spec& spec, const setting& given, std::string& text)
    {
        const auto no = [&](const std::string& what) { wrong(spec.name, given.line, what, expected(spec)); };
        while (text.ends_with('/'))
            text.pop_back();
        const auto origin = origin_of(text);
        if (!origin || text.find('?') != text.npos) return no("is not an address that can be used");
        if (origin->scheme != "https" && !origin->is_loopback())
            return no("is not encrypted (http:// beyond this machine)");
    }

    const manifest& manifest_;
    const source_configuration& source_;
};

} // namespace

std::string filled_in(std::string_view text, const std::function<std::string(std::string_view name)>& find)
{
    std::string out;
    for (;;) {
        const auto brace = text.find_first_of("{}");
        out += text.substr(0, brace);
        if (brace == text.npos) return out;
        if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
            out += text[brace];
            text.remove_prefix(brace + 2);
            continue;
        }
        const auto close = text.find('}', brace);
        ROLLBOOK_ENSURE(close != text.npos && close > brace);
        out += find(text.substr(brace + 1, close - brace - 1));
        text.remove_prefix(close + 1);
    }
}

std::string resolved_settings::expand(std::string_view text, bool encode, const run_values& run) const
{
    return filled_in(text, [&](std::string_view name) {
        if (const auto mark = name.find('?'); mark != name.npos)
            return std::string(is_on(name.substr(0, mark)) ? name.substr(mark + 1) : std::string_view());
        const auto& from = name.starts_with('@') ? run : values;
        const auto at = from.find(name);
        ROLLBOOK_ENSURE(at != from.end() || name.starts_with('@'));
        const std::string value = at == from.end() ? std::string() : at->second;
        return encode ? url_encoded(value) : value;
    });
}

bool resolved_settings::is_on(std::string_view name) const
{
    const auto at = values.find(name);
    return at != values.end() && at->second == "true";
}

manifest switched(manifest m, const resolved_settings& settings)
{
    const auto is_off = [&](const std::string& when) { return !when.empty() && !settings.is_on(when); };
    std::erase_if(m.lookups, [&](const lookup_spec& l) { return is_off(l.when); });
    std::erase_if(m.streams, [&](const stream_spec& s) { return is_off(s.when); });
    for (stream_spec& s : m.streams) {
        std::erase_if(s.record.fields, [&](const field_spec& f) { return is_off(f.when); });
        for (expand_spec& e : s.expand)
            std::erase_if(e.fields, [&](const field_spec& f) { return is_off(f.when); });
        if (!s.incremental || !is_off(s.incremental->when)) continue;
        s.incremental.reset();
        s.deletes.clear();
        s.changelog.reset();
    }
    return m;
}

std::vector<failure> check_settings(const manifest& m, const source_configuration& source)
{
    checker c(m, source);
    c.run();
    return std::move(c.failures);
}

result<resolved_settings> resolve_settings(const manifest& m, const source_configuration& source)
{
    checker c(m, source);
    c.run();
    if (!c.failures.empty()) return c.failures.front();
    return std::move(c.settings);
}

} // namespace rollbook
