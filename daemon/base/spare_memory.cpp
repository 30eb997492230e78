#include "daemon/base/spare_memory.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace rollbook {
namespace {

// Whether the loader wrote into code or constants: what was written is nowhere else.
bool has_text_relocations(const dl_phdr_info& object)
{
    for (std::size_t i = 0; i < object.dlpi_phnum; ++i) {
        if (object.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
        const auto* each = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + object.dlpi_phdr[i].p_vaddr);
        for (; each->d_tag != DT_NULL; ++each)
            if (each->d_tag == DT_TEXTREL || (each->d_tag == DT_FLAGS && (each->d_un.d_val & DF_TEXTREL) != 0))
                return true;
    }
    return false;
}

// Segments that may never be written are as the file has them. The others hold what the program wrote.
int let_go_of_object(dl_phdr_info* object, std::size_t, void*)
{
    if (has_text_relocations(*object)) return 0;
    const std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
        const auto& segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
        const std::uintptr_t from = (object->dlpi_addr + segment.p_vaddr) / page * page;
        const std::uintptr_t to = object->dlpi_addr + segment.p_vaddr + segment.p_filesz;
        // Where the system does not, it stays: nothing rests on it.
        (void)::madvise(reinterpret_cast<void*>(from), (to - from + page - 1) / page * page, MADV_DONTNEED);
    }
    return 0;
}

} // namespace

void let_go_of_spare_memory()
{
    ::malloc_trim(0);
    ::dl_iterate_phdr(let_go_of_object, nullptr);
}

void let_go_of_spare_memory_above(std::size_t bytes)
{
    std::ifstream file("/proc/self/statm");
    std::size_t all = 0, resident = 0;
    const bool is_known = static_cast<bool>(file >> all >> resident);
    if (!is_known || resident > bytes / static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) let_go_of_spare_memory();
}

} // namespace rollbook
