#include "tests/school/imap.hpp"

#include "tests/school/lines.hpp"

#include <charconv>
#include <strings.h>

namespace rollbook::school {

namespace {

std::string_view take_word(std::string_view& line)
{
    const std::size_t end = line.find(' ');
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(end == line.npos ? line.size() : end + 1);
    return word;
}

bool is(std::string_view word, std::string_view other)
{
    return word.size() == other.size() && strncasecmp(word.data(), other.data(), other.size()) == 0;
}

class imap_conversation : public line_conversation {
public:
    explicit imap_conversation(std::shared_ptr<mailbox> box) : box_(std::move(box)) {}

    std::string greeting() override { return "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] simulated school\r\n"; }

private:
    output answer(std::string_view line) override
    {
        const std::string tag(take_word(line));
        const std::string_view word = take_word(line);
        const std::string ok = tag + " OK done\r\n", no = tag + " NO refused\r\n",
                          bad = tag + " BAD not understood\r\n";
        if (is(word, "CAPABILITY")) return {"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n" + ok, {}};
        if (is(word, "LOGOUT")) return {"* BYE goodbye\r\n" + ok, "", {}, afterwards::close};
        if (is(word, "NOOP")) return {ok, {}};
        if (is(word, "LOGIN")) {
            is_known_ = line.ends_with("imap-secret") || line.ends_with("\"imap-secret\"");
            return {is_known_ ? ok : no, {}};
        }
        // RFC 4616, of which only the end is looked at: base64 of "\0imap-secret" at one of its three places.
        if (is(word, "AUTHENTICATE")) {
            is_known_ = is(take_word(line), "PLAIN") &&
                        (line.ends_with("AGltYXAtc2VjcmV0") || line.ends_with("BpbWFwLXNlY3JldA==") ||
                         line.ends_with("AaW1hcC1zZWNyZXQ="));
            return {is_known_ ? ok : no, {}};
        }
        if (!is_known_) return {no, {}};
        if (is(word, "SELECT") || is(word, "EXAMINE")) {
            const std::string count = std::to_string(box_->returned.size());
            return {
                "* FLAGS (\\Seen)\r\n* " + count + " EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1] same as ever\r\n" +
                    tag + " OK [READ-WRITE] done\r\n",
                {}};
        }
        if (!is(word, "UID")) return {bad, {}};
        const std::string_view what = take_word(line);
        if (is(what, "SEARCH")) return {search() + ok, {}};
        if (!is(what, "FETCH")) return {bad, {}};
        const std::string_view number = take_word(line);
        std::size_t uid = 0;
        std::from_chars(number.data(), number.data() + number.size(), uid);
        if (uid == 0 || uid > box_->returned.size()) return {ok, {}};
        const std::string& raw = box_->returned[uid - 1].raw;
        const std::string place = std::to_string(uid);
        return {
            "* " + place + " FETCH (UID " + place + " BODY[] {" + std::to_string(raw.size()) + "}\r\n" + raw + ")\r\n" +
                ok,
            {}};
    }

    // Every message here is of today, and the days of a search let all of them pass.
    std::string search() const
    {
        std::string found = "* SEARCH";
        for (std::size_t i = 0; i < box_->returned.size(); ++i)
            if (box_->returned[i].header("Content-Type").find("delivery-status") != std::string::npos)
                found += " " + std::to_string(i + 1);
        return found + "\r\n";
    }

    std::shared_ptr<mailbox> box_;
    bool is_known_ = false;
};

} // namespace

std::unique_ptr<conversation> make_imap_conversation(std::shared_ptr<mailbox> box)
{
    return std::make_unique<imap_conversation>(std::move(box));
}

} // namespace rollbook::school
