#pragma once

#include "daemon/ports/connector.hpp"
#include "daemon/ports/export_preview.hpp"

#include <boost/asio/awaitable.hpp>

#include <atomic>

namespace rollbook {

// Reads the one file that `from`, a report folder's connector, has before it, to its end. Takes nothing and writes
// nothing. Fails as the connector's reading does, and with stopped once `is_ending` is set.
boost::asio::awaitable<result<export_preview>> preview(connector& from, const std::atomic<bool>* is_ending);

} // namespace rollbook
