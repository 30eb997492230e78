#include "daemon/delivery/teams_card.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/utf8.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace rollbook::delivery {

namespace {

constexpr std::string_view cut_off = "The rest is left out here: open it in Rollbook.";

// Cards read a little Markdown; a backslash takes each of its signs as it is.
std::string without_markup(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        if (std::string_view("\\`*_[]()#<>~").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

void block(json_writer& out, std::string_view text, bool title)
{
    out.begin_object();
    if (title) out.member("size", "Medium");
    out.member("text", text).member("type", "TextBlock");
    if (title) out.member("weight", "Bolder");
    out.member("wrap", true).end_object();
}

std::vector<std::string> paragraphs(std::string_view text)
{
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find("\n\n"), text.size());
        std::string one(text.substr(0, end));
        while (one.ends_with('\n'))
            one.pop_back();
        if (!one.empty()) out.push_back(std::move(one));
        text.remove_prefix(std::min(text.size(), end + 2));
    }
    return out;
}

// The address behind "Open it: ", or empty.
std::string link_in(std::string_view text)
{
    constexpr std::string_view before = "Open it: ";
    const std::size_t at = text.find(before);
    if (at == text.npos) return {};
    const std::string_view rest = text.substr(at + before.size());
    return std::string(rest.substr(0, rest.find('\n')));
}

std::string card_of(const message& m, const std::vector<std::string>& blocks)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.key("attachments").begin_array().begin_object();
    out.key("content").begin_object();
    out.member("$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
    if (const std::string link = link_in(m.text); !link.empty()) {
        out.key("actions").begin_array().begin_object();
        out.member("title", "Open it").member("type", "Action.OpenUrl").member("url", link);
        out.end_object().end_array();
    }
    out.key("body").begin_array();
    block(out, without_markup(as_utf8(m.subject)), true);
    for (const std::string& each : blocks)
        block(out, each, false);
    out.end_array();
    out.member("type", "AdaptiveCard").member("version", "1.4");
    out.end_object();
    out.member("contentType", "application/vnd.microsoft.card.adaptive");
    out.end_object().end_array();
    out.member("type", "message");
    out.end_object();
    return text;
}

std::vector<std::string> blocks_of(const message& m)
{
    std::vector<std::string> blocks;
    for (const std::string& each : paragraphs(as_utf8(m.text)))
        blocks.push_back(without_markup(each));
    if (m.attempt > 1)
        blocks.push_back("Sent again: attempt " + std::to_string(m.attempt) + ". You may have it already.");
    return blocks;
}

} // namespace

bool is_whole_in_card(message m)
{
    m.attempt = std::numeric_limits<int>::max();
    return card_of(m, blocks_of(m)).size() <= card_bytes_max;
}

std::string teams_card(const message& m)
{
    std::vector<std::string> blocks = blocks_of(m);
    std::string card = card_of(m, blocks);
    if (card.size() <= card_bytes_max) return card;
    blocks.emplace_back(cut_off);
    while (card.size() > card_bytes_max && blocks.size() > 1) {
        blocks.erase(blocks.end() - 2);
        card = card_of(m, blocks);
    }
    return card;
}

} // namespace rollbook::delivery
