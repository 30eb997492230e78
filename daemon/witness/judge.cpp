#include "daemon/witness/judge.hpp"

#include "daemon/base/merkle.hpp"

#include <algorithm>

namespace rollbook::witness {
namespace {

verdict refuse(status code, std::string why)
{
    verdict answer;
    answer.code = code;
    answer.why = std::move(why);
    return answer;
}

bool extends(const seen_log& log, const checkpoint& next, const std::vector<hash>& proof)
{
    // Everything begins with the empty tree, and no proof says so.
    if (log.size == 0) return proof.empty();
    return verify_consistency(log.size, next.size, log.root, next.root, proof);
}

} // namespace

verdict judge(std::string_view request, const std::vector<seen_log>& logs)
{
    const auto asked = parse_witness_request(request);
    if (!asked) return refuse(status::malformed, asked.error().what);
    const auto note = parse_note(asked->checkpoint_note);
    if (!note) return refuse(status::malformed, note.error().what);
    auto point = parse_checkpoint(note->text);
    if (!point) return refuse(status::malformed, point.error().what);

    const auto log = std::ranges::find(logs, point->origin, &seen_log::origin);
    if (log == logs.end()) return refuse(status::unknown_log, "this witness does not know the log");
    if (const auto signers = verify_note(*note, log->keys); !signers)
        return refuse(status::not_ours, signers.error().what);
    if (asked->old_size > point->size) return refuse(status::malformed, "the old size is larger than the checkpoint's");
    if (asked->old_size != log->size) {
        verdict answer = refuse(status::other_size, "this witness last signed another size");
        append_decimal(answer.body, log->size);
        answer.body += '\n';
        return answer;
    }
    if (!extends(*log, *point, asked->proof))
        return refuse(status::no_proof, "the checkpoint does not extend what this witness signed before");

    verdict answer;
    answer.code = status::signs;
    answer.next = std::move(*point);
    answer.text = note->text;
    return answer;
}

} // namespace rollbook::witness
