#pragma once

#include "daemon/base/signed_note.hpp"
#include "daemon/ports/export_preview.hpp"
#include "daemon/ports/ledger_export.hpp"
#include "daemon/ports/ledger_reader.hpp"
#include "daemon/ports/page_server.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace rollbook {

// Both PEM.
struct certificate_and_key {
    std::string certificate;
    std::string key;
};

// What the pages are given.
struct web_surroundings {
    std::shared_ptr<const configuration> settings;
    page_desk* desk = nullptr;
    // By which sessions end and requests are counted.
    std::function<std::chrono::steady_clock::time_point()> steady_now = std::chrono::steady_clock::now;
    std::function<result<std::unique_ptr<ledger_reader>>()> open_reader;       // called on worker threads
    std::function<result<verifier_key>()> log_key;                             // the pinned key; on a worker thread
    std::function<result<export_report>(const export_request&)> export_ledger; // on a worker thread
    std::filesystem::path bundles; // a folder for exports under way; what is in it at the start goes
    // Reads the export file in `folder` as the source would, and takes nothing. On a worker thread.
    using export_trial = std::function<result<export_preview>(
        const configuration&,
        const std::string& source,
        const std::filesystem::path& folder,
        const std::string& bookmark,
        instant now,
        const std::atomic<bool>* is_ending
    )>;
    export_trial try_export;
    // Puts a copy of the file where the source reads its exports. On a worker thread.
    std::function<
        result<void>(const configuration&, const std::string& source, const std::filesystem::path& file, instant now)>
        add_export;
    // A page was asked for at [web] public_url, from this address as far as a proxy says it. May be empty.
    std::function<void(const configuration&, const std::string& from)> opened;
    std::filesystem::path uploads; // a folder for files under way; what is in it at the start goes
    // What the files of [web.tls] hold now; asked where there is one. On the loop's thread.
    std::function<result<certificate_and_key>(const configuration&)> read_certificate;
};

} // namespace rollbook
