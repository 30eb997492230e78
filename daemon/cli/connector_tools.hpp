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
    // What a person is asked when a system is set up.
    struct question {
        std::string name; // the key under [source.settings]
        std::string title;
        std::string description;
        std::string usual; // what is taken without an answer
        std::string fixed; // not asked: this is what is written
        bool required = false;
        bool secret = false;
        bool is_number = false;
        bool limits_days = false; // answered, a read can ask for some days alone
    };
    // The settings that a person must know or may want to change. Fails where there is no such system.
    std::function<result<std::vector<question>>(const std::string& system)> questions;
    // A trial read of the source of that name; what it answers goes to the folder `record_to`, masked, where one is
    // named. Fails with configuration_invalid where there is none.
    std::function<result<std::vector<stream_probe>>(
        const configuration&, const std::string& source, const std::filesystem::path& record_to
    )>
        probe;
    // What a source's system lists and is not asked for, and why.
    struct unread {
        std::string list;
        std::string why;
    };
    std::function<std::vector<unread>(const configuration&, const std::string& source)> not_read;
    // The text of a new manifest.
    std::function<std::string(const std::string& name)> skeleton;
    // Whom the configured sources and routes reach, "host:port  what for", each once.
    std::function<std::vector<std::string>(const configuration&)> allow_list;
};

} // namespace rollbook
