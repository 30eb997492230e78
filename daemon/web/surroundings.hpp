#pragma once

#include "daemon/base/signed_note.hpp"
#include "daemon/ports/ledger_export.hpp"
#include "daemon/ports/ledger_reader.hpp"
#include "daemon/ports/page_server.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace rollbook {

// What the pages are given.
struct web_surroundings {
    std::shared_ptr<const configuration> settings;
    page_desk* desk = nullptr;
    std::function<result<std::unique_ptr<ledger_reader>>()> open_reader;       // called on worker threads
    std::function<result<verifier_key>()> log_key;                             // the pinned key; on a worker thread
    std::function<result<export_report>(const export_request&)> export_ledger; // on a worker thread
    std::filesystem::path bundles; // a folder for exports under way; what is in it at the start goes
    std::string certificate_pem;   // empty: no TLS
    std::string private_key_pem;
};

} // namespace rollbook
