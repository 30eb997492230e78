#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rollbook {

// Finds places in a list by hash, without holding the keys again: the list has them. 8 bytes a cell, of which two
// thirds to four fifths are used. Places are never taken out.
class place_index {
public:
    using place = std::uint32_t;

    // The place put under `hash` for which is_it(place) is true.
    template <class F> std::optional<place> find(std::size_t hash, F&& is_it) const
    {
        const cell* at = cell_of(hash, is_it);
        return at ? std::optional<place>(at->is) : std::nullopt;
    }
    // Puts `is` under `hash`, in the stead of the place for which is_it(place) is true.
    template <class F> void put(std::size_t hash, place is, F&& is_it)
    {
        if (const cell* at = cell_of(hash, is_it))
            const_cast<cell*>(at)->is = is;
        else
            add(hash, is);
    }
    // Puts `is`, which nothing was put for yet.
    void add(std::size_t hash, place is)
    {
        if ((used_ + 1) * 5 > cells_.size() * 4) grow();
        store({short_of(hash), is});
        ++used_;
    }

private:
    static constexpr place nowhere = ~place{0};
    struct cell {
        std::uint32_t hash = 0;
        place is = nowhere;
    };

    // Standard libraries hash a number to itself, and our keys rise by one: spread them.
    static std::uint32_t short_of(std::size_t hash)
    {
        return static_cast<std::uint32_t>((std::uint64_t{hash} * 0x9e3779b97f4a7c15u) >> 32);
    }
    std::size_t home_of(std::uint32_t hash) const { return std::uint64_t{hash} * cells_.size() >> 32; }
    std::size_t next(std::size_t at) const { return at + 1 == cells_.size() ? 0 : at + 1; }
    template <class F> const cell* cell_of(std::size_t hash, F& is_it) const
    {
        if (cells_.empty()) return nullptr;
        const std::uint32_t wanted = short_of(hash);
        for (std::size_t at = home_of(wanted);; at = next(at)) {
            const cell& each = cells_[at];
            if (each.is == nowhere) return nullptr;
            if (each.hash == wanted && is_it(each.is)) return &each;
        }
    }
    void store(cell each)
    {
        std::size_t at = home_of(each.hash);
        while (cells_[at].is != nowhere)
            at = next(at);
        cells_[at] = each;
    }
    void grow()
    {
        std::vector<cell> old(cells_.empty() ? 16 : cells_.size() / 4 * 5);
        std::swap(old, cells_);
        for (const cell& each : old)
            if (each.is != nowhere) store(each);
    }

    std::vector<cell> cells_;
    std::size_t used_ = 0;
};

// Finds places in a list, 0, 1, 2 and so on, by numbers of which nearly each is higher than all before it, as things
// lie that were met in the order of the ledger: the list itself is searched. Only those that came late are held here.
class rising_index {
public:
    using place = place_index::place;

    // The place added for `number`. number_at(place): for which number a place was.
    template <class F> std::optional<place> find(std::uint64_t number, F&& number_at) const
    {
        if (size_ == 0 || number > highest_) return std::nullopt;
        const auto is_it = [&](place at) { return number_at(at) == number; };
        if (!late_.empty())
            if (const auto at = late_index_.find(number, is_it)) return at;
        std::size_t low = 0; // the last in order that is not higher than `number`
        for (std::size_t many = size_ - late_.size(); many > 1;) {
            const std::size_t half = many / 2;
            if (number_at(place_in_order(low + half)) <= number) low += half;
            many -= half;
        }
        const place at = place_in_order(low);
        return is_it(at) ? std::optional<place>(at) : std::nullopt;
    }
    // `number`, which nothing was added for yet, for the next place.
    void add(std::uint64_t number)
    {
        if (size_ == 0 || number > highest_) {
            highest_ = number;
        } else {
            late_index_.add(number, size_);
            late_.push_back(size_);
        }
        ++size_;
    }

private:
    // The place of the nth that did not come late.
    place place_in_order(std::size_t n) const
    {
        std::size_t low = 0; // how many late ones lie before it
        for (std::size_t high = late_.size(); low < high;) {
            const std::size_t half = low + (high - low) / 2;
            if (late_[half] - half <= n)
                low = half + 1;
            else
                high = half;
        }
        return static_cast<place>(n + low);
    }

    place size_ = 0;
    std::uint64_t highest_ = 0;
    std::vector<place> late_; // places, in order
    place_index late_index_;
};

} // namespace rollbook
