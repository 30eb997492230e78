#pragma once

#include "daemon/ports/record_mapping.hpp"

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace rollbook {

// What one row says about its pupil: canonical field and value, in ascending order.
struct pupil_words {
    std::string own_id; // the source's own id; empty: it gives none
    std::map<std::string, std::string, std::less<>> fields;
};

// The field whose value is a list of names with a space between; empty: none of them holds.
inline constexpr std::string_view flags_field = "flags";

// Who the pupils of one file are. A source without an id of its own names a pupil by UPN, by the MIS's id or by both,
// and in lists of linked pupils by one of them: each pupil gets one id, from all rows together.
class pupil_directory {
public:
    // Takes in what a row says. False when there would be too many pupils.
    bool learn(const pupil_words& said);
    // The id of the pupil: the source's own, else the UPN, else the MIS's id. Empty when nothing names the pupil.
    std::string id_of(const pupil_words& said) const;
    // The id of a pupil whom another row's list names.
    std::string id_of(std::string_view named) const;
    // The pupil's record as canonical JSON: of each field the first value that any row gave.
    std::string fields_of(const std::string& id) const;

    static constexpr std::size_t pupils_max = 50'000;

private:
    void alias(std::string key, const std::string& id);
    const std::string* find_alias(std::string_view kind, std::string_view value) const;

    std::unordered_map<std::string, std::map<std::string, std::string, std::less<>>> fields_; // by id
    std::unordered_map<std::string, std::string> aliases_; // "upn:..", "mis:.." -> id; empty: of two pupils
    bool has_own_ids_ = false;
};

// The form of a UPN, whether or not its check letter fits: a letter, eleven figures, and a figure or letter; trimmed
// and in capitals. Empty when it has another form.
std::string upn_form(std::string_view text);

} // namespace rollbook
