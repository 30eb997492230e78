#pragma once

#include "daemon/base/json.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/reconcile/payload.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The words of a safeguarding concern, which nobody but its recipients may read: they are sealed to each recipient
// before they become payload, and are never stored, logged or quarantined in clear. The daemon cannot read them back.
namespace rollbook {

// What makes a concern's narrative sealed text. Without recipients a narrative is left out altogether.
class narrative_seal {
public:
    narrative_seal() = default;
    // `recipients`: X25519 public keys. `digest`: the ledger's keyed digest.
    narrative_seal(std::vector<hash> recipients, digester digest);

    bool is_on() const { return !recipients_.empty(); }
    // The fields of a concern as they are compared: instead of the narrative its proof and its recipients, which are
    // the same for the same text. Of any other record: the fields as they are.
    std::string compared(const reported_record& record) const;
    // The fields as they are stored: {"proof":…,"sealed":[{"box":…,"recipient":…},…]} for the narrative.
    std::string stored(const reported_record& record) const;
    // A row that could not be read, which may hold anything the source said: sealed as a whole, or as it is while
    // narratives are off, for then no mapping names one.
    std::string quarantined(what kind, std::string row) const;

private:
    std::string rewritten(const reported_record& record, bool with_boxes) const;

    std::vector<hash> recipients_; // sorted by their text
    digester digest_;
};

// The same comparison form of fields that are stored already. For project().
std::string compared_fields(json_view fields);

// The fields with another narrative in them: {"proof":…,"sealed":[…]} of `narrative`.
std::string with_sealed(json_view fields, json_view narrative);

// What a recipient finds in a box: the text, and the token whose SHA-256 is the narrative's proof.
struct unsealed {
    std::string text;
    std::string token;
};
std::optional<unsealed> read_unsealed(std::string_view opened);
std::string unsealed_text(const unsealed& inside); // canonical JSON

std::string proof_of(std::string_view token);

} // namespace rollbook
