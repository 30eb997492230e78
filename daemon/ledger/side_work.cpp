#include "daemon/ledger/side_work.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace rollbook {
namespace {

class side_thread final : public side_work {
public:
    void start(std::function<void()> work) override
    {
        {
            const std::lock_guard hold(guard_);
            work_.push_back(std::move(work));
            if (work_.size() > 1) return; // the thread finds it
        }
        thread_ = std::jthread([this] { work_off(); }); // joins the one before, which has nothing left to do
    }
    void wait(std::size_t left) override
    {
        std::unique_lock hold(guard_);
        one_done_.wait(hold, [&] { return work_.size() <= left; });
    }
    std::size_t pending() override
    {
        const std::lock_guard hold(guard_);
        return work_.size();
    }

private:
    void work_off()
    {
        std::unique_lock hold(guard_);
        while (!work_.empty()) {
            {
                const std::function<void()> work = std::move(work_.front()); // its place counts until it is done
                hold.unlock();
                work();
            }
            hold.lock();
            work_.pop_front();
            one_done_.notify_one();
        }
    }

    std::mutex guard_;
    std::condition_variable one_done_;
    std::deque<std::function<void()>> work_; // the first is being done
    std::jthread thread_;
};

} // namespace

std::unique_ptr<side_work> make_side_thread()
{
    return std::make_unique<side_thread>();
}

} // namespace rollbook
