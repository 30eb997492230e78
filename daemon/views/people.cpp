#include "daemon/views/people.hpp"

#include "daemon/base/bytes.hpp"
#include "daemon/base/json.hpp"
#include "daemon/domain/upn.hpp"

#include <algorithm>
#include <set>

namespace rollbook {
namespace {

constexpr std::string_view reference_prefix = "P-";

failure nobody()
{
    return failure(
        errc::not_found, "no pupil is known by that reference", "Give P-N, a UPN, or SOURCE:ID with a source's own id."
    );
}

std::string_view text_of(json_view fields, std::string_view name)
{
    return fields[name].string_if().value_or(std::string_view());
}

std::string name_in(std::string_view payload)
{
    const result<json_document> document = json_document::parse(std::string(payload));
    if (!document) return {};
    const json_view fields = document->root()["fields"];
    std::string_view forename = text_of(fields, "forename");
    std::string_view surname = text_of(fields, "surname");
    if (forename.empty()) forename = text_of(fields, "legal_forename");
    if (surname.empty()) surname = text_of(fields, "legal_surname");
    std::string name(forename);
    if (!name.empty() && !surname.empty()) name += ' ';
    return name.append(surname);
}

} // namespace

std::string reference_of(entry_index person)
{
    return std::string(reference_prefix) + std::to_string(person);
}

people::people(const workplace& at) : at_(at)
{
    at.reader.things(what::pupil, at.n, [&](const thing_view& each) {
        records_.insert_or_assign(
            each.subject, record{std::string(each.source), std::string(each.key), each.subject, {}}
        );
        return true;
    });
    at.reader.things(what::link, at.n, [&](const thing_view& each) {
        if (each.gone || each.payload.empty()) return true;
        const result<json_document> document = json_document::parse(std::string(each.payload));
        const auto number = document ? document->root()["other"].int_if() : std::nullopt;
        const auto own = records_.find(each.pupil);
        const auto other = number ? records_.find(static_cast<entry_index>(*number)) : records_.end();
        if (own == records_.end() || other == records_.end() || own == other) return true;
        other->second.person = own->first;
        own->second.linked.push_back(other->first);
        return true;
    });
}

entry_index people::person_of(entry_index record) const
{
    const auto found = records_.find(record);
    return found == records_.end() ? record : found->second.person;
}

bool people::is_stranger(entry_index record) const
{
    const auto found = records_.find(record);
    if (found == records_.end() || found->second.person != record) return false;
    return found->second.source != at_.config.mis_name();
}

std::vector<entry_index> people::records_of(entry_index person) const
{
    std::vector<entry_index> all{person};
    if (const auto found = records_.find(person); found != records_.end())
        all.insert(all.end(), found->second.linked.begin(), found->second.linked.end());
    return all;
}

void people::write(json_writer& out, entry_index record) const
{
    const entry_index person = person_of(record);
    out.begin_object().member("ref", reference_of(person)).key("source_ids");
    write_source_ids(out, person);
    out.end_object();
}

void people::write_source_ids(json_writer& out, entry_index person) const
{
    std::map<std::string, std::vector<std::string>, bool (*)(std::string_view, std::string_view) noexcept> ids(
        json_key_less
    );
    for (const entry_index each : records_of(person)) {
        if (const auto found = records_.find(each); found != records_.end())
            ids[found->second.source].push_back(found->second.key);
    }
    out.begin_object();
    for (const auto& [source, keys] : ids) {
        out.key(source).begin_array();
        for (const std::string& key : keys)
            out.value(key);
        out.end_array();
    }
    out.end_object();
}

result<entry_index> people::find(std::string_view ref) const
{
    if (!ref.starts_with(reference_prefix) && ref.find(':') == std::string_view::npos) return find_upn(ref);
    const result<entry_index> record = find_record(ref);
    return record ? result<entry_index>(person_of(*record)) : record;
}

result<entry_index> people::find_record(std::string_view ref) const
{
    if (ref.starts_with(reference_prefix)) {
        const auto index = parse_decimal(ref.substr(reference_prefix.size()));
        if (!index) return nobody();
        if (!records_.contains(*index)) return erased_or_nobody(*index);
        return *index;
    }
    const std::size_t colon = ref.find(':');
    for (const auto& [index, each] : records_) {
        if (each.source == ref.substr(0, colon) && colon != ref.npos && each.key == ref.substr(colon + 1)) return index;
    }
    return nobody();
}

// Of a pupil who was erased only the reference is left, and the entry that says when and why.
failure people::erased_or_nobody(entry_index reference) const
{
    std::optional<failure> found;
    at_.reader.things(what::erasure, at_.n, [&](const thing_view& each) {
        const result<json_document> document = json_document::parse(std::string(each.payload));
        if (!document) return true;
        bool named = false;
        document->root()["entries"].for_each_element([&](json_view range) {
            const auto first = range.at(0).int_if();
            const auto last = range.at(1).int_if();
            named = named || (first && last && static_cast<entry_index>(*first) <= reference &&
                              reference <= static_cast<entry_index>(*last));
        });
        if (!named) return true;
        at_.reader.entries(each.entry, each.entry + 1, [&](const entry_view& entry) {
            found = failure(
                errc::not_found,
                reference_of(reference) + " was erased on " + format_day(day_of(at_.zone.to_local(entry.recorded_at))) +
                    ". Basis: " + std::string(text_of(document->root(), "basis")),
                "Nothing more is known of it; entry " + std::to_string(each.entry) + " is the erasure."
            );
            return false;
        });
        return false;
    });
    return found.value_or(nobody());
}

result<entry_index> people::find_upn(std::string_view text) const
{
    const result<upn> wanted = upn::parse(text);
    if (!wanted) return nobody();
    std::set<entry_index> found;
    at_.reader.things(what::pupil, at_.n, [&](const thing_view& each) {
        const result<json_document> document = json_document::parse(std::string(each.payload));
        if (!document) return true;
        const result<upn> held = upn::parse(text_of(document->root()["fields"], "upn"));
        if (held && *held == *wanted) found.insert(person_of(each.subject));
        return true;
    });
    // A stranger with the UPN of an MIS pupil is a link that has not been made; the MIS pupil is meant.
    if (found.size() > 1) std::erase_if(found, [&](entry_index each) { return is_stranger(each); });
    if (found.empty()) return nobody();
    if (found.size() == 1) return *found.begin();
    std::string references;
    for (const entry_index each : found)
        references += (references.empty() ? "" : ", ") + reference_of(each);
    return failure(errc::usage, "more than one pupil carries that UPN", "Give one of " + references + ".");
}

std::string people::name_of(entry_index person) const
{
    const std::vector<entry_index> records = records_of(person);
    std::string name;
    for (const entry_index each : records) {
        if (!name.empty()) break;
        at_.reader.history(each, at_.n, [&](const thing_view& version) {
            if (std::string newer = name_in(version.payload); !newer.empty()) name = std::move(newer);
            return true;
        });
    }
    return name;
}

} // namespace rollbook
