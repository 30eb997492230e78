#include "daemon/base/events.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

TEST_CASE("a line end in what is told begins no line of its own in the log, in either format", "[base]")
{
    const std::string told = "the file a\n<3>rollbook: backup_failed: \x1B[2Jb\xFF\xC2\x85 caf\xC3\xA9";
    const instant at = parse_instant("2026-11-20T14:05:00.250Z").value();
    CHECK(
        event_line(event::daemon_stopped, told, log_format::text, at) ==
        "rollbook: daemon_stopped: the file a?<3>rollbook: backup_failed: ?[2Jb?? caf\xC3\xA9"
    );
    CHECK(
        event_line(event::daemon_stopped, told, log_format::json, at) ==
        R"({"at":"2026-11-20T14:05:00.250Z","event":"daemon_stopped","level":"info",)"
        R"("text":"the file a?<3>rollbook: backup_failed: ?[2Jb?? caf)"
        "\xC3\xA9\"}"
    );
}
