#pragma once

#include "daemon/base/error.hpp"
#include "daemon/domain/register.hpp"

#include <boost/container/deque.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What is held a hundred thousand times over, in less room than its plain type takes.
namespace rollbook {

// An entry_index in 4 bytes. Ledgers end below 2^32 entries: the register holds no more of a mark's.
class compact_index {
public:
    compact_index() = default;
    explicit compact_index(entry_index index) : value_(static_cast<std::uint32_t>(index))
    {
        ROLLBOOK_ENSURE(index < none || index == no_entry);
    }
    compact_index& operator=(entry_index index) { return *this = compact_index(index); }
    operator entry_index() const { return value_ == none ? no_entry : entry_index{value_}; }

private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    std::uint32_t value_ = none;
};

// A day or none, in 4 bytes.
class compact_day {
public:
    compact_day() = default;
    compact_day(civil_day day) : days_(static_cast<std::int32_t>(day.time_since_epoch().count())) {}
    compact_day(std::optional<civil_day> day) : compact_day(day ? compact_day(*day) : compact_day()) {}
    explicit operator bool() const { return days_ != none; }
    civil_day operator*() const { return civil_day(std::chrono::days(days_)); }
    operator std::optional<civil_day>() const { return *this ? std::optional(**this) : std::nullopt; }

private:
    static constexpr std::int32_t none = std::numeric_limits<std::int32_t>::min();
    std::int32_t days_ = none;
};

// A day or none, in 2 bytes: one from 1970 to 2149, and of any other the nearest of these.
class rough_day {
public:
    rough_day() = default;
    rough_day(civil_day day)
        : days_(static_cast<std::uint16_t>(std::clamp<std::int64_t>(day.time_since_epoch().count(), 0, none - 1)))
    {
    }
    rough_day(std::optional<civil_day> day) : rough_day(day ? rough_day(*day) : rough_day()) {}
    explicit operator bool() const { return days_ != none; }
    civil_day operator*() const { return civil_day(std::chrono::days(days_)); }
    operator std::optional<civil_day>() const { return *this ? std::optional(**this) : std::nullopt; }

private:
    static constexpr std::uint16_t none = 0xffff;
    std::uint16_t days_ = none;
};

// One of the few texts of which a process meets no more than 255, as the names of its sources, in a byte. They live as
// long as the process.
class few_text {
public:
    few_text() = default;
    explicit few_text(std::string_view text)
    {
        static std::mutex one_at_a_time;
        const std::scoped_lock lock(one_at_a_time);
        while (view() != text) {
            ROLLBOOK_ENSURE(number_ + 1u < met_.size());
            if (!met_[++number_]) met_[number_] = new std::string(text);
        }
    }
    std::string_view view() const { return number_ == 0 ? std::string_view() : *met_[number_]; }
    operator std::string_view() const { return view(); }
    bool empty() const { return number_ == 0; }
    friend bool operator==(few_text a, std::string_view b) { return a.view() == b; }
    friend bool operator==(few_text a, few_text b) { return a.number_ == b.number_; }

private:
    static inline std::array<std::atomic<const std::string*>, 256> met_{}; // the first stays null: the empty text
    std::uint8_t number_ = 0;
};

// A text in a text_store, in 8 bytes. Lives as long as the store.
class compact_text {
public:
    compact_text() = default;
    std::string_view view() const
    {
        if (!at_) return {};
        std::uint32_t size = static_cast<unsigned char>(*at_);
        if (size < long_size) return {at_ + 1, size};
        std::memcpy(&size, at_ + 1, sizeof size);
        return {at_ + 1 + sizeof size, size};
    }
    operator std::string_view() const { return view(); }
    bool empty() const { return view().empty(); }
    bool starts_with(std::string_view text) const { return view().starts_with(text); }
    friend std::string operator+(std::string before, compact_text text) { return before.append(text.view()); }
    friend bool operator==(compact_text a, std::string_view b) { return a.view() == b; }
    friend bool operator==(compact_text a, compact_text b) { return a.view() == b.view(); }

private:
    friend class text_store;
    explicit compact_text(const char* at) : at_(at) {}
    static constexpr unsigned char long_size = 0xff;
    const char* at_ = nullptr; // a byte of length, or long_size and 4 bytes of it; then the text
};

// Holds texts, one after the other, until it ends.
class text_store {
public:
    text_store() = default;
    text_store(const text_store&) = delete; // texts are within
    text_store& operator=(const text_store&) = delete;

    compact_text add(std::string_view text)
    {
        if (text.empty()) return {};
        const auto size = static_cast<std::uint32_t>(text.size());
        const bool is_long = size >= compact_text::long_size;
        const std::size_t before = is_long ? 1 + sizeof size : 1;
        const std::size_t needed = before + text.size();
        if (needed > left_) {
            left_ = needed > block_bytes ? needed : block_bytes;
            at_ = blocks_.emplace_back(std::make_unique<char[]>(left_)).get();
        }
        *at_ = static_cast<char>(is_long ? compact_text::long_size : size);
        if (is_long) std::memcpy(at_ + 1, &size, sizeof size);
        std::memcpy(at_ + before, text.data(), text.size());
        const compact_text added(at_);
        at_ += needed;
        left_ -= needed;
        return added;
    }

private:
    static constexpr std::size_t block_bytes = 4'000;
    std::vector<std::unique_ptr<char[]>> blocks_;
    char* at_ = nullptr;
    std::size_t left_ = 0;
};

// A list of which no member ever moves, as std::deque, whose blocks of 512 bytes leave a tenth of a heap unused.
template <class T>
using long_list =
    boost::container::deque<T, void, boost::container::deque_options_t<boost::container::block_size<64u>>>;

// A value that most do not have: 8 bytes, and as much as it takes where it is not as T().
template <class T> class rare {
public:
    rare() = default;
    rare(T value) : value_(value == T() ? nullptr : std::make_unique<T>(std::move(value))) {}
    rare(const rare& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
    rare(rare&&) noexcept = default;
    rare& operator=(rare other) noexcept
    {
        value_ = std::move(other.value_);
        return *this;
    }
    ~rare() = default;

    const T& operator*() const
    {
        static const T none{};
        return value_ ? *value_ : none;
    }
    const T* operator->() const { return &**this; }
    operator const T&() const { return **this; }
    operator std::string_view() const requires std::same_as<T, std::string> { return **this; }

private:
    std::unique_ptr<T> value_;
};

} // namespace rollbook
