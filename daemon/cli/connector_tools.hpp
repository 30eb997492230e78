#pragma once

#include "daemon/ports/configuration.hpp"
#include "daemon/service/probe.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace rollbook {

// What the commands about connectors call; main.cpp puts the real parts in.
struct connector_tools {
    struct known {
        std::string name;
        std::string title;
        std::string role;  // mis, safeguarding or roster
        std::string state; // documented, assembled or files only
    };
    // Every system that can be read, by name. Fails with configuration_invalid when a manifest is wrong.
    std::function<result<std::vector<known>>()> list;
    // A trial read of the source of that name; what it answers goes to the folder `record_to`, masked, where one is
    // named. Fails with configuration_invalid where there is none.
    std::function<result<std::vector<stream_probe>>(
        const configuration&, const std::string& source, const std::filesystem::path& record_to
    )>
        probe;
    // The text of a new manifest.
    std::function<std::string(const std::string& name)> skeleton;
    // Whom the configured sources and routes reach, "host:port  what for", each once.
    std::function<std::vector<std::string>(const configuration&)> allow_list;
};

} // namespace rollbook
