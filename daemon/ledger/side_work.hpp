#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace rollbook {

// Does pieces of work beside its caller, one after the other in the order of their start. The caller touches nothing of
// them until wait() has returned.
class side_work {
public:
    virtual ~side_work() = default;
    // `work` throws nothing.
    virtual void start(std::function<void()> work) = 0;
    // Until no more than `left` of what was started are not done.
    virtual void wait(std::size_t left) = 0;
    // How many pieces were started and are not done.
    virtual std::size_t pending() = 0;
};

// On a thread that lives as long as there is work.
std::unique_ptr<side_work> make_side_thread();

} // namespace rollbook
