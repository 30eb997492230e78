#include "connectors/mapping/as_json.hpp"
#include "connectors/mapping/values.hpp"
#include "daemon/base/utf8.hpp"

#include <expat.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace rollbook {

namespace {

struct element {
    std::string name;
    std::string text;
    std::vector<std::pair<std::string, std::string>> attributes;
    std::vector<element> inside;
};

// What the parser tells, as a tree.
struct tree_maker {
    XML_Parser parser = nullptr;
    unsigned depth_max = 0;
    element root;
    std::vector<element> open;
    const char* refused = nullptr;

    void refuse(const char* why)
    {
        refused = why;
        XML_StopParser(parser, XML_FALSE);
    }
    static void on_start(void* self, const char* name, const char** attributes)
    {
        auto& to = *static_cast<tree_maker*>(self);
        if (to.open.size() >= to.depth_max) return to.refuse("is nested too deep");
        element e;
        e.name = name;
        for (; *attributes; attributes += 2)
            e.attributes.emplace_back(attributes[0], attributes[1]);
        to.open.push_back(std::move(e));
    }
    static void on_end(void* self, const char*)
    {
        auto& to = *static_cast<tree_maker*>(self);
        element done = std::move(to.open.back());
        to.open.pop_back();
        (to.open.empty() ? to.root.inside : to.open.back().inside).push_back(std::move(done));
    }
    static void on_text(void* self, const char* text, int length)
    {
        auto& to = *static_cast<tree_maker*>(self);
        if (!to.open.empty()) to.open.back().text.append(text, static_cast<std::size_t>(length));
    }
    static void on_doctype(void* self, const char*, const char*, const char*, int)
    {
        static_cast<tree_maker*>(self)->refuse("declares a document type, which is never read");
    }
};

using list_paths = std::vector<std::vector<std::string>>;

class tree_writer {
public:
    tree_writer(const list_paths& lists, std::string& out) : lists_(lists), out_(out) {}

    void write_inside(const element& e)
    {
        out_ += '{';
        bool first = true;
        const auto key = [&](const std::string& name) {
            if (!first) out_ += ',';
            first = false;
            append_json_text(out_, name);
            out_ += ':';
        };
        for (const auto& [name, value] : e.attributes) {
            key("@" + name);
            append_json_text(out_, value);
        }
        const std::string_view text = trimmed(e.text);
        if (!text.empty()) {
            key("#text");
            append_json_text(out_, text);
        }
        std::vector<std::pair<const std::string*, std::vector<const element*>>> groups;
        for (const element& inner : e.inside) {
            // Elements of one name mostly follow one another.
            auto at =
                !groups.empty() && *groups.back().first == inner.name
                    ? groups.end() - 1
                    : std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return *g.first == inner.name; });
            if (at == groups.end()) at = groups.insert(groups.end(), {&inner.name, {}});
            at->second.push_back(&inner);
        }
        for (const auto& [name, items] : groups) {
            key(*name);
            path_.push_back(*name);
            const bool is_list = items.size() > 1 || names_list();
            if (is_list) out_ += '[';
            for (std::size_t i = 0; i < items.size(); ++i) {
                if (i > 0) out_ += ',';
                write(*items[i]);
            }
            if (is_list) out_ += ']';
            path_.pop_back();
        }
        for (const auto& list : lists_) {
            const bool is_here =
                list.size() == path_.size() + 1 && std::equal(path_.begin(), path_.end(), list.begin());
            const auto has_it = [&](const auto& g) { return *g.first == list.back(); };
            if (!is_here || std::any_of(groups.begin(), groups.end(), has_it)) continue;
            key(list.back());
            out_ += "[]";
        }
        out_ += '}';
    }

private:
    bool names_list() const { return std::find(lists_.begin(), lists_.end(), path_) != lists_.end(); }
    bool holds_list() const
    {
        return std::any_of(lists_.begin(), lists_.end(), [&](const auto& list) {
            return list.size() > path_.size() && std::equal(path_.begin(), path_.end(), list.begin());
        });
    }
    void write(const element& e)
    {
        if (!e.attributes.empty() || !e.inside.empty() || holds_list()) return write_inside(e);
        const std::string_view text = trimmed(e.text);
        if (text.empty())
            out_ += "null";
        else
            append_json_text(out_, text);
    }

    const list_paths& lists_;
    std::string& out_;
    std::vector<std::string> path_;
};

failure not_xml(const std::string& why, unsigned long line)
{
    return failure(
        errc::page_malformed,
        "the answer " + why + " (line " + std::to_string(line) + ")",
        "It is read again; if it stays so, report this line to the source's support."
    );
}

} // namespace

result<std::string> json_of_xml(std::string_view text, const list_paths& lists, unsigned depth_max)
{
    if (trimmed(text).empty()) return not_xml("is empty", 1);
    if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return not_xml("is too long", 1);
    // Some sources declare UTF-16 and send UTF-8. What is valid UTF-8 and holds no NUL is no UTF-16.
    const bool is_utf8 = is_valid_utf8(text) && text.find('\0') == text.npos;
    const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(
        XML_ParserCreate(is_utf8 ? "UTF-8" : nullptr), XML_ParserFree
    );
    tree_maker tree;
    tree.parser = parser.get();
    tree.depth_max = depth_max;
    XML_SetUserData(parser.get(), &tree);
    XML_SetElementHandler(parser.get(), tree_maker::on_start, tree_maker::on_end);
    XML_SetCharacterDataHandler(parser.get(), tree_maker::on_text);
    XML_SetStartDoctypeDeclHandler(parser.get(), tree_maker::on_doctype);
    const auto did = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
    const unsigned long line = XML_GetCurrentLineNumber(parser.get());
    if (tree.refused) return not_xml(tree.refused, line);
    if (did != XML_STATUS_OK) {
        const XML_Error why = XML_GetErrorCode(parser.get());
        const bool cut = why == XML_ERROR_UNCLOSED_TOKEN || why == XML_ERROR_NO_ELEMENTS ||
                         why == XML_ERROR_PARTIAL_CHAR || why == XML_ERROR_UNCLOSED_CDATA_SECTION;
        return not_xml(cut ? "is cut short" : std::string("is not XML: ") + XML_ErrorString(why), line);
    }
    std::string out;
    tree_writer(lists, out).write_inside(tree.root);
    return out;
}

} // namespace rollbook
