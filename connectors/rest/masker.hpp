#pragma once

#include "connectors/rest/manifest.hpp"
#include "connectors/rest/url.hpp"
#include "daemon/base/keyed_digest.hpp"
#include "daemon/base/time.hpp"
#include "daemon/domain/session.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Makes a source's answers into ones that may leave the school: the same shape, other people.
//
// A text becomes one of its own shape (a letter for a letter, a digit for a digit), and the same text the same one
// everywhere, so that what belongs together stays together: each part of a list, a path or a mark of another system's
// record by itself. The key is drawn anew each time and kept nowhere: nobody can make the texts again, nor tell which
// they were. What a manifest does not read is emptied. Left as they are, because they shape how an answer is read:
// words that stand in the manifest itself; attendance codes and sessions, where the manifest reads them as such; names
// of time zones, where it says that there is one; numbers of paging, revisions and totals. Left also: single
// characters, AM and PM, yes and no, times of day, numbers up to 1,000 and years, and days of the last two years; of an
// older day only the year stays.
class masker {
public:
    // `text` is the manifest's own.
    masker(const manifest& m, const std::string& text, url_origin home, const digest_key& key, civil_day today);

    // A text of an answer; `name` is that of the member that holds it.
    std::string value(std::string_view text, std::string_view name = {});
    // The same for a text of a request: one that an answer held before is replaced, another stays.
    std::string known(std::string_view text) const;
    // An address at the source, as one at `recorded_origin`, with parts of its path and query as known() has them.
    std::string address(std::string_view url) const;
    // The body of an answer. Fails with page_malformed for what cannot be read as the decoder says.
    result<std::string> body(std::string_view text, const decoder_spec& decoder);
    // The body of a request: JSON, or another text, which stays as it is.
    std::string request_body(std::string_view text) const;

    static constexpr std::string_view recorded_origin = "https://recorded.invalid";

private:
    class json_walk;
    bool is_read(std::string_view name) const { return names_.contains(name); }
    bool stays(std::string_view text, std::string_view name) const;
    static bool is_page_number(std::string_view text);
    std::string made(std::string_view text, int attempt) const;
    std::string piece(std::string_view text);
    std::string address(
        std::string_view url, const std::function<std::string(std::string_view part, bool is_value)>& replaced
    ) const;
    std::string xml_value(std::string_view text, std::string_view name);
    std::string xml_tag(std::string_view tag);
    std::string xml(std::string_view text);
    std::string csv(std::string_view text, char delimiter);

    std::set<std::string, std::less<>> names_;  // of members that the manifest reads
    std::set<std::string, std::less<>> words_;  // texts of the manifest
    std::set<std::string, std::less<>> paging_; // members whose numbers say where a list goes on, or its total
    std::set<std::string, std::less<>> codes_;  // members that hold attendance codes or sessions
    std::set<std::string, std::less<>> zones_;  // members that name a time zone
    std::string separators_;                    // between the parts of a text
    std::vector<marker> markers_;
    url_origin home_;
    digest_key key_;
    int year_;
    std::map<std::string, std::string, std::less<>> replaced_;
    std::set<std::string> taken_; // by what was replaced
};

} // namespace rollbook
