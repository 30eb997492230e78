#include "tests/school/tcp.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <csignal>
#include <deque>
#include <utility>

namespace rollbook::school {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

class connection : public std::enable_shared_from_this<connection> {
public:
    connection(tcp::socket socket, std::unique_ptr<conversation> talk)
        : socket_(std::move(socket)), pause_(socket_.get_executor()), talk_(std::move(talk))
    {
        error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
        // A page of marks fits, and is written without waiting.
        socket_.set_option(asio::socket_base::send_buffer_size(1 << 18), ignored);
    }

    void start()
    {
        if (std::string hello = talk_->greeting(); !hello.empty()) say_.push_back({std::move(hello), {}});
        say_next();
    }

private:
    void listen()
    {
        socket_.async_read_some(asio::buffer(heard_), [self = shared_from_this()](error_code ec, std::size_t n) {
            if (ec) return;
            for (output& o : self->talk_->take({self->heard_.data(), n}))
                self->say_.push_back(std::move(o));
            self->say_next();
        });
    }

    void say_next()
    {
        if (say_.empty()) return listen();
        if (say_.front().delay.count() == 0) return write();
        pause_.expires_after(say_.front().delay);
        pause_.async_wait([self = shared_from_this()](error_code ec) {
            if (!ec) self->write();
        });
    }

    void write()
    {
        asio::async_write(
            socket_,
            std::array{asio::buffer(std::as_const(say_.front().bytes)), asio::buffer(std::as_const(say_.front().more))},
            [self = shared_from_this()](error_code ec, std::size_t) {
                const afterwards then = self->say_.front().then;
                self->say_.pop_front();
                if (ec) return;
                if (then == afterwards::keep) return self->say_next();
                error_code ignored;
                if (then == afterwards::reset) {
                    self->socket_.set_option(asio::socket_base::linger(true, 0), ignored);
                } else {
                    self->socket_.shutdown(tcp::socket::shutdown_both, ignored);
                }
                self->socket_.close(ignored);
            }
        );
    }

    tcp::socket socket_;
    asio::steady_timer pause_;
    std::unique_ptr<conversation> talk_;
    std::array<char, 64 * 1024> heard_;
    std::deque<output> say_;
};

class listener : public std::enable_shared_from_this<listener> {
public:
    listener(asio::io_context& io, unsigned short port, conversation_maker make)
        : acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), port)), make_(std::move(make))
    {
    }
    unsigned short port() const { return acceptor_.local_endpoint().port(); }
    void accept()
    {
        acceptor_.async_accept([self = shared_from_this()](error_code ec, tcp::socket socket) {
            if (!ec) std::make_shared<connection>(std::move(socket), self->make_())->start();
            if (self->acceptor_.is_open()) self->accept();
        });
    }

private:
    tcp::acceptor acceptor_;
    conversation_maker make_;
};

} // namespace

struct tcp_host::state {
    asio::io_context io{1};
    asio::signal_set signals{io, SIGINT, SIGTERM};
};

tcp_host::tcp_host() : state_(std::make_unique<state>())
{
    state_->signals.async_wait([io = &state_->io](error_code, int) { io->stop(); });
}

tcp_host::~tcp_host() = default;

unsigned short tcp_host::listen(unsigned short port, conversation_maker make)
{
    const auto made = std::make_shared<listener>(state_->io, port, std::move(make));
    made->accept();
    return made->port();
}

void tcp_host::run()
{
    state_->io.run();
}

} // namespace rollbook::school
