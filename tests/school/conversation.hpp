#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook::school {

enum class afterwards { keep, close, reset };

// What one side of a connection says next: wait, write, then keep or drop the connection.
struct output {
    std::string bytes;
    std::string more; // written in the same go, so that a large body need not be copied behind its head
    std::chrono::milliseconds delay{0};
    afterwards then = afterwards::keep;
};

// The server's side of one connection, without a socket: bytes in, bytes out.
class conversation {
public:
    virtual ~conversation() = default;
    virtual std::string greeting() { return {}; }
    virtual std::vector<output> take(std::string_view bytes) = 0;
};

using conversation_maker = std::function<std::unique_ptr<conversation>()>;

} // namespace rollbook::school
