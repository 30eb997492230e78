#pragma once

#include "daemon/reconcile/finding_judge.hpp"

#include "tests/support/planted_school.hpp"

#include <fmt/format.h>

// A planted school as what is held of it, and its findings judged as a closing judges them.
namespace rollbook::support {

class planted_ledger {
public:
    explicit planted_ledger(const planted_school& school)
        : school_(school), settings_(settings()),
          at_(zone_.to_instant(evening(school.days.back() + std::chrono::days(1))))
    {
        for (const planted_pupil& p : school.pupils)
            refs_.push_back(put_pupil("mis", p.id, mis_fields(p)));
        for (const planted_pupil& p : school.pupils)
            their_refs_.push_back(
                p.safeguarding_id.empty()
                    ? no_entry
                    : put_pupil(
                          "cpoms", p.safeguarding_id, "{\"mis_id\":\"" + p.id + "\"" + p.safeguarding_fields + "}"
                      )
            );
        for (const std::string& id : school.strangers)
            put_pupil("cpoms", id, R"({"date_of_birth":"2001-01-01","forename":"Xx)" + id + R"(","surname":"Qq"})");
        for (std::size_t s = 0; s < school.days.size() * 2; ++s)
            for (std::size_t i = 0; i < school.pupils.size(); ++i)
                put_marks(i, s);
        for (std::size_t i = 0; i < school.pupils.size(); ++i)
            for (const auto& [day, code] : school.pupils[i].closed_day_marks)
                put_mark(i, {day, half_day::am}, code, -1);
        for (std::size_t i = 0; i < school.suspensions.size(); ++i)
            put_suspension(i);
        for (const bool concerns : {false, true})
            for (std::size_t i = 0; i < school.incidents.size(); ++i)
                if (school.incidents[i].is_concern == concerns) put_incident(i);
        links_ = match_people(held, "mis", "cpoms", true);
        for (const draft& d : link_entries(held, "cpoms", links_))
            held.apply(size++, d.row, d.payload);
    }

    static finding_settings settings()
    {
        finding_settings made;
        made.both = {{"Bullying", "Peer relationships"}};
        return made;
    }

    // Reads one mark of the newest day anew, with another code: the whole road of one change but the disk.
    std::size_t change_one(finding_judge& judge_with, int pupil, const std::string& code)
    {
        return judge(judge_with, read_mark(pupil, {school_.days.back(), half_day::am}, code)).size();
    }

    // A reading of one mark alone, taken into what is held.
    source_reading read_mark(int pupil, session_id session, const std::string& code)
    {
        page got;
        reported_mark mark;
        mark.pupil_id = school_.pupils[static_cast<std::size_t>(pupil)].id;
        mark.session = session;
        mark.raw = mark.statutory = code;
        got.marks.push_back(mark);
        return read({what::session_mark}, session.day, std::move(got));
    }
    // The same of records: kind, id, the pupil's id and fields.
    source_reading read_records(const std::vector<reported_record>& records)
    {
        page got;
        got.records = records;
        std::vector<what> kinds;
        for (const reported_record& each : records)
            kinds.push_back(each.kind);
        return read(std::move(kinds), std::nullopt, std::move(got));
    }
    source_reading read(std::vector<what> makes, std::optional<civil_day> day, page got)
    {
        source_reading reading = begin();
        stream_info stream;
        stream.name = "some";
        stream.makes = std::move(makes);
        stream.by_day = day.has_value();
        reading.begin_stream(stream, {{day, at_}}, day);
        got.rows = got.marks.size() + got.records.size();
        reading.take(got, 1);
        (void)reading.end_stream({}, missing_means::nothing);
        transaction t;
        reading.drain(t, size);
        reading.apply(t, size);
        size += t.entries.size();
        return reading;
    }

    // A reading of the MIS that has not begun.
    source_reading begin() { return source_reading(held, "mis", digest, ++reads_, at_); }

    std::vector<draft> judge(finding_judge& judge, const source_reading& reading)
    {
        std::vector<draft> drafts = drafts_of(judge, reading, school_.days.back() + std::chrono::days(1));
        take(drafts);
        return drafts;
    }
    // Judged on the evening of `today`, and not taken into what is held.
    std::vector<draft> drafts_of(finding_judge& judge, const source_reading& reading, civil_day today) const
    {
        const local_instant now = evening(today);
        closing_read read{
            reading,
            now,
            at_,
            {now, held_back::nothing},
            false,
            true,
            false,
            {{"cpoms", &links_, true}},
            {},
            {},
            {},
            zone_};
        return judge.judge(held, read);
    }
    void take(const std::vector<draft>& drafts)
    {
        for (const draft& d : drafts)
            held.apply(size++, d.row, d.payload);
    }

    const finding_settings& what_is_wanted() const { return settings_; }

    static std::uint64_t digest(std::string_view text) { return std::hash<std::string_view>()(text); }

    held_state held;
    entry_index size = 0;

private:
    std::string mis_fields(const planted_pupil& p) const
    {
        return fmt::format(
            R"({{"date_of_birth":"{}","forename":"F{}","registration_group":"{}","surname":"S{}"{}{}}})",
            format_day(p.born),
            p.id,
            p.form,
            p.id,
            p.fields,
            p.leaves ? ",\"on_roll_to\":\"" + format_day(*p.leaves) + "\"" : ""
        );
    }

    entry_index
    put(what kind, const std::string& source, const std::string& id, entry_index pupil, const std::string& fields)
    {
        thing_version row;
        row.kind = kind;
        row.source = source;
        row.key = id;
        row.pupil = pupil;
        held.apply(size, row, R"({"fields":)" + fields + "}");
        return size++;
    }
    entry_index put_pupil(const std::string& source, const std::string& id, const std::string& fields)
    {
        return put(what::pupil, source, id, size, fields);
    }

    void put_marks(std::size_t i, std::size_t session)
    {
        const planted_pupil& p = school_.pupils[i];
        if (p.codes[session].empty()) return;
        const session_id at{school_.days[session / 2], session % 2 ? half_day::pm : half_day::am};
        put_mark(i, at, p.codes[session], p.minutes[session]);
        if (!p.vanished.contains(session)) return;
        mark_version gone;
        gone.session = at;
        gone.pupil = refs_[i];
        gone.source = "mis";
        gone.gone = true;
        held.apply(size++, gone, {});
    }
    void put_mark(std::size_t i, session_id session, const std::string& code, int minutes)
    {
        mark_version row;
        row.session = session;
        row.pupil = refs_[i];
        row.source = "mis";
        row.raw = row.statutory = code;
        row.minutes = static_cast<std::int16_t>(minutes);
        row.digest = mark_digest(digest, {}, {}, {});
        held.apply(size++, row, {});
    }
    void put_suspension(std::size_t i)
    {
        const planted_suspension& each = school_.suspensions[i];
        const std::size_t last = std::min(each.first + each.sessions, school_.days.size() * 2) - 1;
        const auto half = [](std::size_t session) { return session % 2 ? "PM" : "AM"; };
        put(what::suspension,
            "mis",
            "S" + std::to_string(i),
            refs_[static_cast<std::size_t>(each.pupil)],
            fmt::format(
                R"({{"from":"{}","from_session":"{}","kind":"Suspension","to":"{}","to_session":"{}"}})",
                format_day(school_.days[each.first / 2]),
                half(each.first),
                format_day(school_.days[last / 2]),
                half(last)
            ));
    }
    void put_incident(std::size_t i)
    {
        const planted_incident& each = school_.incidents[i];
        const std::string source = each.is_concern ? "cpoms" : "mis";
        const std::string id = (each.is_concern ? "K" : "B") + std::to_string(i);
        const std::string time =
            each.minute < 0 ? std::string() : fmt::format("{:02}:{:02}", each.minute / 60, each.minute % 60);
        if (each.is_concern)
            put(what::concern,
                source,
                id,
                no_entry,
                fmt::format(
                    R"({{"categories":["{}"],"incident_at":"{}T{}:00"}})", each.type, format_day(each.day), time
                ));
        else
            put(what::incident,
                source,
                id,
                no_entry,
                fmt::format(
                    R"({{"day":"{}",{}"parents_told":"{}",{}"type":"{}"}})",
                    format_day(each.day),
                    each.location.empty() ? "" : "\"location\":\"" + each.location + "\",",
                    each.told,
                    time.empty() ? "" : "\"time\":\"" + time + "\",",
                    each.type
                ));
        for (const int pupil : each.pupils) {
            const entry_index ref = (each.is_concern ? their_refs_ : refs_)[static_cast<std::size_t>(pupil)];
            if (ref == no_entry) continue;
            put(what::involvement,
                source,
                id + "/" + std::to_string(pupil),
                ref,
                fmt::format(R"({{"of":"{}","record":"{}"}})", each.is_concern ? "concern" : "incident", id));
        }
    }

    const planted_school& school_;
    finding_settings settings_;
    std::vector<entry_index> refs_;
    std::vector<entry_index> their_refs_;
    link_outcome links_;
    std::uint32_t reads_ = 0;
    const time_zone zone_ = *time_zone::named("Europe/London");
    const instant at_;
};

} // namespace rollbook::support
