#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rollbook {

// Numbers below 256 that stay as they are: in a byte each, and in half of one where none is above 15.
class small_numbers {
public:
    small_numbers() = default;
    explicit small_numbers(std::vector<std::uint8_t> numbers) : size_(numbers.size())
    {
        constexpr std::uint8_t half_max = 15;
        has_halves_ = std::ranges::all_of(numbers, [](std::uint8_t each) { return each <= half_max; });
        if (!has_halves_) {
            numbers.shrink_to_fit();
            bytes_ = std::move(numbers);
            return;
        }
        bytes_.resize((numbers.size() + 1) / 2);
        for (std::size_t i = 0; i < numbers.size(); ++i)
            bytes_[i / 2] = static_cast<std::uint8_t>(bytes_[i / 2] | numbers[i] << i % 2 * 4);
    }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::uint8_t operator[](std::size_t at) const
    {
        return has_halves_ ? static_cast<std::uint8_t>(bytes_[at / 2] >> at % 2 * 4 & 15) : bytes_[at];
    }

private:
    std::vector<std::uint8_t> bytes_;
    std::size_t size_ = 0;
    bool has_halves_ = false;
};

} // namespace rollbook
