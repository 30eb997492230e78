#include "daemon/service/troubles.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/time.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

constexpr std::uint64_t mebibyte = 1u << 20;
constexpr std::chrono::days told_ahead{30};
constexpr std::chrono::minutes clock_slack{5};
// It asks every 34 minutes at the most (systemd 252, timesyncd.conf(5): PollIntervalMaxSec).
constexpr std::chrono::hours clock_unset_max{3};

class collector {
public:
    collector(const configuration& settings, const machine_facts& facts)
        : settings_(settings), facts_(facts),
          zone_(time_zone::named(settings.school.timezone).value_or(time_zone::utc())),
          today_(day_of(zone_.to_local(facts.now)))
    {
    }

    std::vector<trouble> all()
    {
        if (!facts_.pages_failed.empty())
            add(event::pages_failed, "no pages are served: " + std::string(trimmed(facts_.pages_failed, ".")));
        failed(event::backup_failed, facts_.backups.backup_failed);
        failed(event::copies_failed, facts_.backups.copies_failed);
        failed(event::drill_failed, facts_.backups.drill_failed);
        if (facts_.backups.overdue) add(event::backup_overdue, event_text(event::backup_overdue));
        if (facts_.backups.drill_overdue) add(event::drill_overdue, event_text(event::drill_overdue));
        for (const auto& [route, count] : facts_.undelivered)
            add(event::messages_undelivered, event_text(event::messages_undelivered, route, count), route);
        look_at_disk();
        look_at_clock();
        if (facts_.witnesses.overdue)
            add(event::witness_overdue,
                witness_overdue_text(settings_, facts_.witnesses),
                std::to_string(facts_.witnesses.size));
        if (facts_.certificate_ends)
            expires("the certificate of [web.tls]", day_of(zone_.to_local(*facts_.certificate_ends)));
        secret("[ledger] signing_key", settings_.ledger.signing_key);
        if (settings_.web.private_key) secret("[web.tls] private_key", *settings_.web.private_key);
        for (const source_configuration& source : settings_.sources)
            secrets("source " + source.name + ": ", source.settings);
        for (const route_configuration& route : settings_.routes)
            secrets("route " + route.name + ": ", route.settings);
        for (const configuration::pack& pack : settings_.packs)
            if (add_months(pack.dated, 14) < today_)
                add(event::pack_old, event_text(event::pack_old, pack.name, format_day(pack.dated)), pack.name);
        std::ranges::stable_sort(found_, {}, [](const trouble& each) { return describe(each.what).level; });
        return std::move(found_);
    }

private:
    void add(event what, std::string text, std::string which = {})
    {
        found_.push_back({what, std::move(text), std::move(which)});
    }

    void failed(event what, const std::optional<failure>& why)
    {
        if (!why) return;
        std::string text = event_text(what, why->what, why->to_do);
        if (text.ends_with('.')) text.pop_back(); // who shows a trouble ends its sentence
        add(what, std::move(text));
    }

    static civil_day add_months(civil_day day, int months)
    {
        const std::chrono::year_month_day from(day);
        const auto later = from.year() / from.month() / 1 + std::chrono::months(months);
        return civil_day(later) + (std::chrono::days(unsigned(from.day())) - std::chrono::days(1));
    }

    void look_at_disk()
    {
        const auto free = facts_.disk_free;
        const auto size = facts_.disk_size;
        if (free && size && *free < std::min(1024 * mebibyte, *size / 20))
            add(event::disk_nearly_full,
                event_text(event::disk_nearly_full, *free / mebibyte, *size == 0 ? 0 : *free * 100 / *size));
        if (facts_.disk_encrypted == false) add(event::disk_not_encrypted, event_text(event::disk_not_encrypted));
    }

    void look_at_clock()
    {
        if (facts_.newest_entry && *facts_.newest_entry > facts_.now + clock_slack)
            add(event::clock_wrong,
                event_text(
                    event::clock_wrong, "the ledger's newest entry is of " + format_instant(*facts_.newest_entry)
                ));
        else if (facts_.clock_ahead)
            add(event::clock_wrong, event_text(event::clock_wrong, clock_off(*facts_.clock_ahead)));
        else if (!facts_.clock_kept.value_or(!facts_.clock_set || facts_.now - *facts_.clock_set <= clock_unset_max))
            add(event::clock_wrong,
                event_text(event::clock_wrong, "nothing keeps it right (NTP is off or not in step)"));
    }

    static std::string clock_off(std::chrono::milliseconds ahead)
    {
        return fmt::format(
            "it is {} minutes {} the clocks of the systems it speaks with",
            std::chrono::floor<std::chrono::minutes>(std::chrono::abs(ahead)).count(),
            ahead.count() > 0 ? "ahead of" : "behind"
        );
    }

    void expires(const std::string& of, civil_day ends)
    {
        if (ends - today_ > told_ahead) return;
        const std::string day = format_day(ends);
        if (ends < today_)
            add(event::expired, event_text(event::expired, of, day), of + day);
        else
            add(event::expires_soon, event_text(event::expires_soon, of, day), of + day);
    }

    void secret(const std::string& of, const secret_reference& reference)
    {
        if (reference.expires) expires(of, *reference.expires);
    }

    void secrets(const std::string& path, const setting_table& settings)
    {
        for (const auto& [key, value] : settings)
            within(path + key, value);
    }

    void within(const std::string& path, const setting& value)
    {
        if (const auto* reference = std::get_if<secret_reference>(&value.value)) secret(path, *reference);
        if (const auto* table = std::get_if<setting_table>(&value.value)) secrets(path + ".", *table);
        if (const auto* list = std::get_if<setting_list>(&value.value))
            for (const setting& each : *list)
                within(path, each);
    }

    const configuration& settings_;
    const machine_facts& facts_;
    time_zone zone_;
    civil_day today_;
    std::vector<trouble> found_;
};

} // namespace

std::vector<trouble> troubles_of(const configuration& settings, const machine_facts& facts)
{
    return collector(settings, facts).all();
}

} // namespace rollbook
