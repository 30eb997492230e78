#include "daemon/web/render.hpp"

#include "daemon/base/json.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/base/url_encoding.hpp"
#include "daemon/views/text.hpp"
#include "daemon/web/assets.hpp"

#include <fmt/format.h>
#include <kainjow/mustache.hpp>

#include <optional>
#include <set>
#include <utility>

namespace rollbook {
namespace {

namespace mustache = kainjow::mustache;

using word_set = std::set<std::string, std::less<>>;

// Every name that the tags of a template ask for, and those of its partials.
void add_names(std::string_view text, word_set& names)
{
    constexpr std::string_view marks = "{#^/>& ";
    for (std::size_t at = text.find("{{"); at != text.npos; at = text.find("{{", at)) {
        const std::size_t begin = text.find_first_not_of(marks, at);
        const std::size_t end = text.find_first_of("} ", begin);
        const std::string_view tag = text.substr(begin, end - begin);
        if (text.substr(at, begin - at).find('>') != text.npos) add_names(asset(std::string(tag) + ".html"), names);
        for (std::size_t part = 0; part <= tag.size();) { // pupil.ref
            const std::size_t dot = std::min(tag.find('.', part), tag.size());
            names.emplace(tag.substr(part, dot - part));
            part = dot + 1;
        }
        at = end;
    }
}

struct page_template {
    mustache::mustache text;
    word_set names; // what it asks for
};

// Used on the worker's thread and the loop's, which is why each has its own. The newest is kept, for whoever looks at
// the same page of several pupils: all of them would be a megabyte. Valid until the next is asked for.
page_template& compiled(std::string_view name)
{
    static thread_local std::pair<std::string, std::optional<page_template>> newest;
    if (!newest.second || newest.first != name) {
        const std::string_view text = asset(std::string(name) + ".html");
        page_template made{mustache::mustache(std::string(text)), {}};
        ROLLBOOK_ENSURE(made.text.is_valid());
        add_names(text, made.names);
        newest = {std::string(name), std::move(made)};
    }
    return *newest.second;
}

// The frame about a page, in two: put into it by its tag, a body of a megabyte would be copied on the way.
struct frame_template {
    mustache::mustache before;
    mustache::mustache after;
};

frame_template& compiled_frame()
{
    static thread_local frame_template known = [] {
        constexpr std::string_view body = "{{{body}}}";
        const std::string_view text = asset("layout.html");
        const std::size_t at = text.find(body);
        ROLLBOOK_ENSURE(at != std::string_view::npos);
        frame_template made{
            mustache::mustache(std::string(text.substr(0, at))),
            mustache::mustache(std::string(text.substr(at + body.size())))};
        ROLLBOOK_ENSURE(made.before.is_valid() && made.after.is_valid());
        return made;
    }();
    return known;
}

// The library's own holds the text twice over in its end.
std::string rendered(mustache::mustache& text, const mustache::data& all)
{
    std::string out;
    const mustache::mustache::render_handler add = [&](const std::string& part) { out += part; };
    text.render(all, add);
    return out;
}

std::string short_date(civil_day day)
{
    const std::string spoken = spoken_date(day); // 20 November 2026
    const std::size_t month = spoken.find(' ') + 1;
    return spoken.substr(0, month + 3) + spoken.substr(spoken.rfind(' '));
}

// A time or a number as a reader wants it; empty for any other value.
std::string text_beside(json_view value, const time_zone& zone)
{
    if (const auto number = value.int_if()) return grouped(*number);
    const auto text = value.string_if();
    if (!text) return {};
    if (const auto day = parse_day(*text)) return short_date(*day);
    const auto at = text->ends_with('Z') ? parse_instant(*text) : std::nullopt;
    if (!at) return {};
    const std::string clock = clock_text(*at, zone); // 2026-11-20 08:55
    return short_date(day_of(zone.to_local(*at))) + ", " + clock.substr(clock.find(' ') + 1);
}

// The library's own push_back() copies, as does a list that grows, and a list of rows of cells is three lists deep.
mustache::list& rows_in(mustache::data& list)
{
    return const_cast<mustache::list&>(list.list_value()); // `list` is none that is const
}

// Of an object the members that the template asks for: a page of rows has as many more that only its JSON tells.
mustache::data to_data(json_view value, const word_set& names, const time_zone& zone)
{
    if (const auto text = value.string_if()) {
        if (text->empty()) return mustache::data(false);
        return mustache::data(std::string(*text));
    }
    if (const auto truth = value.bool_if()) return mustache::data(*truth);
    if (const auto number = value.int_if()) return mustache::data(std::to_string(*number));
    if (value.is_number()) return mustache::data(fmt::format("{}", value.as_double())); // a share: 11.25
    if (value.is_array()) {
        mustache::data list(mustache::data::type::list);
        rows_in(list).reserve(value.size());
        value.for_each_element([&](json_view each) { rows_in(list).emplace_back(to_data(each, names, zone)); });
        return list;
    }
    if (!value.is_object()) return mustache::data(false);
    mustache::data object;
    value.for_each([&](std::string_view key, json_view member) {
        const std::string name(key);
        if (names.contains(name)) object[name] = to_data(member, names, zone); // set() copies
        if (const std::string any = name + "_any"; member.is_array() && names.contains(any))
            object[any] = mustache::data(member.size() > 0);
        const std::string beside = name + "_text";
        if (!names.contains(beside)) return;
        if (std::string text = text_beside(member, zone); !text.empty())
            object[beside] = mustache::data(std::move(text));
        // Said here too, so that an outer member of that name is never found instead.
        else if (member.is_null())
            object[beside] = mustache::data(false);
    });
    return object;
}

std::string with_query(const std::string& path, const std::string& query)
{
    return query.empty() ? path : path + "?" + query;
}

// The body in its frame.
std::string framed(
    const std::string& title,
    const std::string& body,
    std::string_view page,
    const page_frame& frame,
    const page_model* of
)
{
    const std::string known = frame.known_at.empty() ? "" : "known_at=" + url_encoded(frame.known_at);
    mustache::data all;
    all.set("title", title);
    all.set("school", frame.school);
    all.set("simulated", mustache::data(frame.simulated));
    all.set("has_forms", mustache::data(of != nullptr));
    all.set("here", frame.path);
    std::string query = known;
    mustache::data kept(mustache::data::type::list);
    if (of)
        for (const auto& [name, value] : of->kept) {
            query += (query.empty() ? "" : "&") + name + "=" + url_encoded(value);
            mustache::data field;
            field.set("name", name);
            field.set("value", value);
            kept.push_back(field);
        }
    all.set("kept", kept);
    all.set("here_json", with_query(frame.path + ".json", query));
    all.set("here_csv", with_query(frame.path + ".csv", query));
    if (of && of->has_workbook) all.set("here_xlsx", with_query(frame.path + ".xlsx", query));
    all.set("carry", with_query("", known));
    all.set("now_text", frame.now_text);
    if (frame.size > 0) all.set("size_text", grouped(static_cast<std::int64_t>(frame.size)));
    if (!frame.scope.empty()) all.set("scope", frame.scope);
    all.set("sees_nobody", mustache::data(frame.sees_nobody));
    all.set("past", mustache::data(!frame.known_at.empty()));
    all.set("known_at_text", frame.known_at_text);
    all.set("known_at_local", frame.known_at_local);
    if (frame.again_seconds > 0) all.set("again", std::to_string(frame.again_seconds));
    if (!frame.user.empty()) {
        all.set("user", frame.user);
        all.set("role", std::string(name_of(frame.reader)));
        all.set("form_token", frame.form_token);
        mustache::data items(mustache::data::type::list);
        for (const nav_item& each : navigation_of(frame.reader, frame.is_scoped())) {
            mustache::data item;
            item.set("path", std::string(each.path));
            item.set("title", std::string(each.title));
            item.set("current", mustache::data(each.page == page));
            items.push_back(item);
        }
        all.set("nav", items);
        all.set("nav_any", mustache::data(true));
    }
    const std::string after = rendered(compiled_frame().after, all);
    std::string out = rendered(compiled_frame().before, all);
    out.reserve(out.size() + body.size() + after.size());
    return out.append(body).append(after);
}

} // namespace

std::string_view asset(std::string_view name)
{
    for (const auto& [known, text] : web_assets)
        if (known == name) return text;
    return {};
}

std::string render_body(const page_model& of, const page_frame& frame, const time_zone& zone)
{
    page_template& page = compiled(of.page);
    mustache::data all = [&] { // the document goes before the text comes: either may be megabytes
        const result<json_document> model = json_document::parse(of.json);
        ROLLBOOK_ENSURE(model.has_value());
        mustache::data made = to_data(model->root(), page.names, zone);
        made.set("by_absence", mustache::data(model->root()["order"].string_if() == "absence"));
        return made;
    }();
    const std::string known = frame.known_at.empty() ? "" : "known_at=" + url_encoded(frame.known_at);
    all.set("title", of.title);
    all.set("carry", with_query("", known));
    all.set("carry_and", known.empty() ? "" : "&" + known);
    all.set("known_at", frame.known_at);
    all.set("past", mustache::data(!frame.known_at.empty()));
    all.set("form_token", frame.form_token);
    all.set("whole_school", mustache::data(!frame.is_scoped()));
    all.set("browses", mustache::data(sees_pupils(frame.reader)));
    for (const auto& [name, picture] : of.pictures)
        all.set("picture_" + name, picture);
    all.set("alert_rows", mustache::partial([] { return std::string(asset("alert_rows.html")); }));
    return rendered(page.text, all);
}

std::string render_page(const page_model& of, const std::string& body, const page_frame& frame)
{
    return framed(of.title, body, of.page, frame, &of);
}

std::string render_words(
    std::string_view page,
    const std::string& title,
    const std::map<std::string, std::string>& words,
    const page_frame& frame
)
{
    mustache::data all;
    all.set("title", title);
    all.set("form_token", frame.form_token);
    for (const auto& [name, text] : words)
        if (!text.empty()) all.set(name, text);
    return framed(title, rendered(compiled(page).text, all), page, frame, nullptr);
}

} // namespace rollbook
