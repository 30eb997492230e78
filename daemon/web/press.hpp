#pragma once

#include "daemon/ports/ledger_export.hpp"
#include "daemon/ports/ledger_reader.hpp"
#include "daemon/web/render.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

// Makes pages from a reader of its own. For one thread: the worker's.
namespace rollbook {

// What a page is asked for with; copied to the worker, so that nothing of the loop's thread is touched there.
struct page_order {
    std::shared_ptr<const configuration> settings;
    const route* to = nullptr;
    web_target target;
    entry_index id = no_entry;
    role reader = role::lead;
    std::string user;
    std::optional<pupil_scope> scope; // the pupils that the reader is kept to; empty: the whole school
    std::string form_token;
    instant now{};
    std::uint64_t commits = 0; // as page_desk says
    verify_standing verification;
    std::vector<account> accounts;
    const std::atomic<bool>* is_ending = nullptr;  // outlives the page
    std::shared_ptr<const waiting_export> waiting; // the reader's
};

struct made_page {
    web_answer answer;
    std::vector<entry_index> shown; // persons looked at by themselves
    bool lists_pupils = false;      // taken away as a file of many pupils
    std::vector<offered_thing> offered;
    std::string view; // of a report: what its opening is recorded as
};

// What /metrics and /readyz say; nothing of a pupil.
struct ledger_numbers {
    std::uint64_t size = 0;
    std::optional<instant> checkpoint_at;
    outbox_counts outbox;
    std::int64_t quarantined = 0;
    std::int64_t alerts_open = 0;
    std::vector<source_state> sources;
};

using reader_opener = std::function<result<std::unique_ptr<ledger_reader>>()>;

// With more than that in memory, as where years are held, a page gives back what it took: that takes milliseconds.
inline constexpr std::size_t much_memory = 32'000'000;

class press {
public:
    explicit press(reader_opener open);
    ~press();
    made_page make(const page_order& order);
    // The proof of one entry, or the newest checkpoint's note.
    web_answer proof(entry_index index, const page_order& order);
    web_answer checkpoint();
    // The ledger as files that others can check, written below `folder` and handed out as one archive. An auditor gets
    // openings too: what names nobody, and what the account may see.
    using exporter = std::function<result<export_report>(const export_request&)>;
    result<web_answer> bundle(
        const page_order& order, const verifier_key& key, const exporter& write, const std::filesystem::path& folder
    );
    ledger_numbers numbers();
    // Lets go of what is kept from one page to the next, and of the reader: the next page is made as the first was.
    void rest();
    std::string origin();
    bool is_simulated();

private:
    struct snapshot;
    struct drawn_page;
    // The moment a page is asked about.
    struct moment {
        instant now;
        entry_index n = 0;
        bool is_past = false;
    };
    ledger_reader& reader();
    result<drawn_page>
    draw(const page_order& order, const time_zone& zone, const moment& asked, const page_frame& frame);
    result<drawn_page>
    draw_or_keep(const page_order& order, const time_zone& zone, const moment& asked, const page_frame& frame);
    // What a page is made from; refers to all but the last two.
    static page_request request_of(
        const page_order& order,
        const snapshot& seen,
        const workplace& at,
        const std::set<entry_index>& opened,
        entry_index id,
        bool is_past
    );
    known_entries& known_of(const page_order& order);
    workplace place_of(const page_order& order, const time_zone& zone, const snapshot& seen, const moment& asked);
    std::set<entry_index> opened_now(const page_order& order, const time_zone& zone, const snapshot& seen);
    std::shared_ptr<const snapshot> look(const page_order& order, const time_zone& zone, instant now, entry_index n);
    std::shared_ptr<const snapshot>
    look_at_all(const page_order& order, const time_zone& zone, instant now, entry_index n);

    reader_opener open_;
    std::unique_ptr<ledger_reader> reader_;
    std::shared_ptr<const snapshot> newest_;                        // kept while no record was added
    std::map<std::string, std::shared_ptr<const snapshot>> scoped_; // of newest_, by scope
    known_entries known_;                                           // of the settings, and up to the erasure, below
    std::shared_ptr<const configuration> known_settings_;
    entry_index known_erasures_ = 0;
    std::map<std::string, drawn_page> kept_; // by role, scope and form, of pages that are kept
};

// The instant that `known_at` means: RFC 3339, or as a browser's field gives it, on the school's clock.
std::optional<instant> parse_known_at(std::string_view text, const time_zone& zone);

// Prometheus text format 0.0.4.
std::string metrics_text(const ledger_numbers& of, const configuration& settings, instant now, std::size_t sessions);

} // namespace rollbook
