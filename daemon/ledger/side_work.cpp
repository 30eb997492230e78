#include "daemon/ledger/side_work.hpp"

#include <atomic>
#include <thread>
#include <utility>

namespace rollbook {
namespace {

class side_thread final : public side_work {
public:
    void start(std::function<void()> work) override
    {
        is_done_ = false;
        thread_ = std::jthread([this, work = std::move(work)] {
            work();
            is_done_ = true;
        });
    }
    void wait() override { thread_.join(); }
    bool is_done() override { return is_done_; }

private:
    std::atomic<bool> is_done_ = true;
    std::jthread thread_;
};

} // namespace

std::unique_ptr<side_work> make_side_thread()
{
    return std::make_unique<side_thread>();
}

} // namespace rollbook
