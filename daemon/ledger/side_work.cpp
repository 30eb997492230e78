#include "daemon/ledger/side_work.hpp"

#include <thread>
#include <utility>

namespace rollbook {
namespace {

class side_thread final : public side_work {
public:
    void start(std::function<void()> work) override { thread_ = std::jthread(std::move(work)); }
    void wait() override { thread_.join(); }

private:
    std::jthread thread_;
};

} // namespace

std::unique_ptr<side_work> make_side_thread()
{
    return std::make_unique<side_thread>();
}

} // namespace rollbook
