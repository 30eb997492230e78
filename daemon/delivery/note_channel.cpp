#include "daemon/base/time.hpp"
#include "daemon/delivery/channels.hpp"

namespace rollbook::delivery {

namespace asio = boost::asio;

namespace {

// A message as a note on a pupil's record in a source. The message's id is our reference there.
class note_channel final : public channel {
public:
    note_channel(std::unique_ptr<note_writer> writer, std::string source)
        : writer_(std::move(writer)), source_(std::move(source))
    {
    }

    asio::awaitable<result<void>> send(message m) override
    {
        const result<void> possible = judge(m);
        if (!possible) co_return possible;
        source_note note(m.id, m.pupil_in_source, m.text, format_instant(m.made_at));
        const result<std::string> written = co_await writer_->write(std::move(note));
        if (!written) co_return written.error();
        co_return result<void>();
    }

    // There is no harmless note: that the source can be reached is asked of the source itself.
    asio::awaitable<result<void>> check() override { co_return result<void>(); }

private:
    result<void> judge(const message& m) const
    {
        if (m.pupil_in_source.empty())
            return failure(
                errc::delivery_refused,
                source_ + ": the message is about nobody whom this source knows",
                "Link the pupil to the source's record (`rollbook links list`), and write the note there by hand."
            );
        if (m.attempt > 1 && !writer_->knows_by_reference())
            return failure(
                errc::delivery_refused,
                source_ + ": it cannot be told whether an earlier try left the note there",
                "Look in the source; Rollbook never writes a note twice."
            );
        return {};
    }

    std::unique_ptr<note_writer> writer_;
    std::string source_;
};

} // namespace

std::unique_ptr<channel> make_note_channel(std::unique_ptr<note_writer> writer, std::string source)
{
    return std::make_unique<note_channel>(std::move(writer), std::move(source));
}

} // namespace rollbook::delivery
