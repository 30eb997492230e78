#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace rollbook {

// A text that many records share (a type, a place), as a small number. 0 is the empty text.
using text_id = std::uint32_t;

// The texts met so far, each once. Numbers live as long as the pool and are never stored.
class text_pool {
public:
    text_pool() { intern({}); }
    text_pool(const text_pool&) = delete; // the index looks into the texts
    text_pool& operator=(const text_pool&) = delete;

    text_id intern(std::string_view text)
    {
        if (const auto known = ids_.find(text); known != ids_.end()) return known->second;
        const auto id = static_cast<text_id>(texts_.size());
        ids_.emplace(texts_.emplace_back(text), id);
        return id;
    }
    std::string_view text(text_id id) const { return texts_[id]; }

private:
    std::deque<std::string> texts_; // nodes do not move
    std::unordered_map<std::string_view, text_id> ids_;
};

} // namespace rollbook
