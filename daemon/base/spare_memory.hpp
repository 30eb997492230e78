#pragma once

#include <cstddef>

namespace rollbook {

// Gives back to the system what the process has and does not use: free room of the heap, and the pages of its own
// program and libraries, most of which were read once, at the start, to link it. What is used again comes back from
// the system's cache by itself, in microseconds. Not for where memory is taken again at once.
void let_go_of_spare_memory();
// The same where the process has more than that in memory, by what the system says.
void let_go_of_spare_memory_above(std::size_t bytes);

} // namespace rollbook
