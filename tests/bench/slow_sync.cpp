// Preloaded, adds 10 ms to every sync: what a busy or old disk costs.

#include <dlfcn.h>
#include <time.h>

namespace {

using sync_call = int (*)(int);

int slowly(const char* name, int file)
{
    const timespec ten_ms = {0, 10'000'000};
    nanosleep(&ten_ms, nullptr);
    return reinterpret_cast<sync_call>(dlsym(RTLD_NEXT, name))(file);
}

} // namespace

extern "C" int fsync(int file)
{
    return slowly("fsync", file);
}

extern "C" int fdatasync(int file)
{
    return slowly("fdatasync", file);
}
