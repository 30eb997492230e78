#pragma once

#include "tests/school/conversation.hpp"

#include <memory>

namespace rollbook::school {

// Listens on 127.0.0.1 and holds conversations, all on the thread that calls run().
class tcp_host {
public:
    tcp_host();
    ~tcp_host();
    // Port 0 takes a free one. Gives the port; throws when it is taken.
    unsigned short listen(unsigned short port, conversation_maker make);
    // Returns after SIGTERM or SIGINT.
    void run();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace rollbook::school
