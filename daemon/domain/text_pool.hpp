#pragma once

#include "daemon/domain/compact.hpp"
#include "daemon/domain/place_index.hpp"

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace rollbook {

// A text that many records share (a type, a place), as a small number. 0 is the empty text.
using text_id = std::uint32_t;

// The texts met so far, each once. Numbers live as long as the pool and are never stored.
class text_pool {
public:
    text_pool() { intern({}); }
    text_pool(const text_pool&) = delete; // texts are within
    text_pool& operator=(const text_pool&) = delete;

    text_id intern(std::string_view text)
    {
        const std::size_t hash = std::hash<std::string_view>()(text);
        if (const auto known = ids_.find(hash, [&](text_id id) { return texts_[id] == text; })) return *known;
        const auto id = static_cast<text_id>(texts_.size());
        texts_.push_back(store_.add(text));
        ids_.add(hash, id);
        return id;
    }
    std::string_view text(text_id id) const { return texts_[id]; }

private:
    text_store store_;
    std::vector<compact_text> texts_;
    place_index ids_;
};

} // namespace rollbook
