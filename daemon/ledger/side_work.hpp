#pragma once

#include <functional>
#include <memory>

namespace rollbook {

// Does one piece of work at a time beside its caller, who touches nothing of it until wait() has returned.
class side_work {
public:
    virtual ~side_work() = default;
    // Begins it; nothing else is under way. `work` throws nothing.
    virtual void start(std::function<void()> work) = 0;
    virtual void wait() = 0;
    // Whether wait() would return at once.
    virtual bool is_done() = 0;
};

// On a thread that lives as long as the work.
std::unique_ptr<side_work> make_side_thread();

} // namespace rollbook
