#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace rollbook::test {

// Drives one coroutine to its end. What it throws is thrown here; half a minute without an end is a failure.
template <class T> T run(boost::asio::io_context& loop, boost::asio::awaitable<T> work)
{
    std::optional<T> value;
    std::exception_ptr thrown;
    const auto ended = [&](std::exception_ptr e, T v) {
        thrown = e;
        value.emplace(std::move(v));
        loop.stop();
    };
    boost::asio::co_spawn(loop, std::move(work), ended);
    loop.restart();
    loop.run_for(std::chrono::seconds(30));
    if (thrown) std::rethrow_exception(thrown);
    if (!value) throw std::runtime_error("the coroutine did not end");
    return std::move(*value);
}

} // namespace rollbook::test
