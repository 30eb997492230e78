#include "connectors/singer/tap_process.hpp"

#include "connectors/singer/messages.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rollbook {

namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto patience = 2s; // from SIGTERM to SIGKILL
constexpr auto look_again = 10ms;
constexpr rlim_t file_bytes = rlim_t{1} << 30; // a file that the tap writes
constexpr rlim_t open_files = 256;

// Both ends of a pipe, closed on exec.
struct pipe_ends {
    int read = -1;
    int write = -1;
    bool open() { return ::pipe2(both_.data(), O_CLOEXEC) == 0 && (read = both_[0], write = both_[1], true); }
    void close_write() { close_one(write); }
    int take_read() { return std::exchange(read, -1); }
    ~pipe_ends()
    {
        close_one(read);
        close_one(write);
    }

private:
    static void close_one(int& end)
    {
        if (end >= 0) ::close(end);
        end = -1;
    }
    std::array<int, 2> both_{};
};

failure cannot_start(const std::string& what, int why)
{
    return failure(
        errc::source_misconfigured,
        "the tap cannot be started: " + what + ": " + std::strerror(why),
        "Check the path in command, and that Rollbook's user may run it."
    );
}

bool write_private(const fs::path& path, const std::string& text)
{
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return false;
    const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(file);
    return written;
}

void limit(int resource, rlim_t to)
{
    const rlimit both{to, to};
    ::setrlimit(static_cast<__rlimit_resource_t>(resource), &both);
}

// In the child, between fork and exec: only calls that are safe there. Never returns.
[[noreturn]] void become_tap(
    char* const* words,
    char* const* environment,
    const char* folder,
    int out,
    int err,
    int tell,
    const tap_start& how,
    pid_t parent
)
{
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127); // we died before we could say so
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number)
        ::sigaction(number, &usual, nullptr);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    limit(RLIMIT_AS, how.memory_bytes);
    limit(RLIMIT_CPU, static_cast<rlim_t>(how.timeout / 1s) + 1);
    limit(RLIMIT_FSIZE, file_bytes);
    limit(RLIMIT_NOFILE, open_files);
    limit(RLIMIT_CORE, 0);
    const int in = ::open("/dev/null", O_RDONLY);
    const bool ready = in >= 0 && ::dup2(in, 0) == 0 && ::dup2(out, 1) == 1 && ::dup2(err, 2) == 2 &&
                       ::dup2(tell, 3) == 3 && ::fcntl(3, F_SETFD, FD_CLOEXEC) == 0 && ::close_range(4, ~0U, 0) == 0 &&
                       ::chdir(folder) == 0;
    if (ready) ::execve(words[0], words, environment);
    const int why = errno;
    (void)!::write(3, &why, sizeof why);
    ::_exit(127);
}

} // namespace

struct tap_process::running : std::enable_shared_from_this<running> {
    explicit running(asio::any_io_executor executor)
        : output(executor), errors(executor), watch(executor), pause(executor)
    {
    }
    ~running() { end_now(); }

    // Counts and drops standard error, so that the tap never waits for us to read it.
    void drain_errors()
    {
        errors.async_read_some(
            asio::buffer(error_piece),
            [self = shared_from_this()](boost::system::error_code failed, std::size_t got) {
                self->error_bytes += got;
                if (!failed) self->drain_errors();
            }
        );
    }

    void watch_time(std::chrono::milliseconds timeout)
    {
        watch.expires_after(timeout);
        watch.async_wait([self = shared_from_this()](boost::system::error_code failed) {
            if (failed || self->pid < 0) return;
            const bool again = std::exchange(self->timed_out, true);
            ::kill(-self->pid, again ? SIGKILL : SIGTERM);
            if (!again) self->watch_time(patience);
        });
    }

    // Whether the program has ended; its status is then in `status`.
    bool has_ended()
    {
        if (pid < 0) return true;
        int now = 0;
        const pid_t ended = ::waitpid(pid, &now, WNOHANG);
        if (ended == 0) return false;
        status = ended == pid ? now : -1;
        ::kill(-pid, SIGKILL); // what the tap itself started goes with it
        pid = -1;
        return true;
    }

    // Kindly first, then not.
    void end_now()
    {
        if (!has_ended()) {
            ::kill(-pid, SIGTERM);
            for (auto waited = 0ms; waited < patience && !has_ended(); waited += look_again)
                ::usleep(static_cast<useconds_t>(look_again / 1us));
        }
        if (pid >= 0) {
            ::kill(-pid, SIGKILL);
            ::waitpid(pid, &status, 0);
            pid = -1;
        }
        boost::system::error_code ignored;
        output.close(ignored);
        errors.close(ignored);
        watch.cancel();
        std::error_code kept;
        if (!folder.empty()) fs::remove_all(folder, kept);
        folder.clear();
    }

    failure time_is_up() const
    {
        constexpr std::chrono::hours later{24}; // not again at once: it would take as long
        return failure(
            errc::source_unreachable,
            "the tap did not end in its time and was ended",
            "Give it more (timeout), or less to do.",
            later
        );
    }

    pid_t pid = -1;
    int status = 0;
    fs::path folder;
    asio::posix::stream_descriptor output;
    asio::posix::stream_descriptor errors;
    asio::steady_timer watch;
    asio::steady_timer pause;
    bool timed_out = false;
    std::string buffer;
    std::size_t taken = 0; // of the buffer
    std::array<char, 4096> error_piece{};
    std::uint64_t error_bytes = 0;
    std::array<char, 64 * 1024> piece{};
};

result<std::unique_ptr<tap_process>> tap_process::start(asio::any_io_executor executor, const tap_start& how)
{
    auto p = std::make_shared<running>(executor);
    std::string pattern = (fs::temp_directory_path() / "rollbook-tap-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) return cannot_start("no folder for it", errno);
    p->folder = pattern;
    const fs::path config = p->folder / "config.json";
    const fs::path state = p->folder / "state.json";
    if (!write_private(config, how.config) || (!how.state.empty() && !write_private(state, how.state)))
        return cannot_start("its config cannot be written", errno);

    std::vector<std::string> words = how.command;
    words.insert(words.end(), {"--config", config.string()});
    if (!how.catalog.empty()) words.insert(words.end(), {"--catalog", how.catalog});
    if (!how.state.empty()) words.insert(words.end(), {"--state", state.string()});
    std::vector<std::string> variables = {
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "LANG=C.UTF-8",
        "HOME=" + p->folder.string(),
        "TMPDIR=" + p->folder.string()};
    std::vector<char*> arguments, environment;
    for (std::string& word : words)
        arguments.push_back(word.data());
    for (std::string& variable : variables)
        environment.push_back(variable.data());
    arguments.push_back(nullptr);
    environment.push_back(nullptr);

    pipe_ends out, err, tell;
    if (!out.open() || !err.open() || !tell.open()) return cannot_start("no pipe for it", errno);
    const pid_t us = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) return cannot_start("no process for it", errno);
    if (child == 0)
        become_tap(arguments.data(), environment.data(), p->folder.c_str(), out.write, err.write, tell.write, how, us);
    p->pid = child;
    ::setpgid(child, child); // in both, so that neither is too late
    out.close_write();
    err.close_write();
    tell.close_write();
    int why = 0;
    if (::read(tell.read, &why, sizeof why) == sizeof why) return cannot_start("exec", why);

    p->output.assign(out.take_read());
    p->errors.assign(err.take_read());
    p->drain_errors();
    p->watch_time(how.timeout);
    return std::unique_ptr<tap_process>(new tap_process(std::move(p)));
}

tap_process::~tap_process()
{
    running_->end_now();
}

asio::awaitable<result<std::optional<std::string>>> tap_process::line()
{
    running& p = *running_;
    for (;;) {
        const auto end = p.buffer.find('\n', p.taken);
        if (end != p.buffer.npos) {
            std::optional<std::string> found = p.buffer.substr(p.taken, end - p.taken);
            p.taken = end + 1;
            co_return found;
        }
        p.buffer.erase(0, std::exchange(p.taken, 0));
        if (p.buffer.size() > line_bytes_max) {
            const failure too_long(
                errc::page_malformed, "a line of the tap is longer than 4 MiB", "Leave large fields out of its catalog."
            );
            co_return too_long;
        }
        const auto [failed, got] =
            co_await p.output.async_read_some(asio::buffer(p.piece), asio::as_tuple(asio::use_awaitable));
        if (failed == asio::error::operation_aborted) throw boost::system::system_error(failed);
        if (p.timed_out) co_return p.time_is_up();
        if (failed || got == 0) {
            std::optional<std::string> rest;
            if (!p.buffer.empty()) rest = std::exchange(p.buffer, std::string());
            co_return rest;
        }
        p.buffer.append(p.piece.data(), got);
    }
}

asio::awaitable<result<void>> tap_process::finished()
{
    running& p = *running_;
    while (!p.has_ended()) {
        p.pause.expires_after(look_again);
        co_await p.pause.async_wait(asio::use_awaitable);
    }
    p.watch.cancel();
    if (p.timed_out) co_return p.time_is_up();
    if (WIFEXITED(p.status) && WEXITSTATUS(p.status) == 0) co_return result<void>();
    const std::string how = WIFEXITED(p.status) ? "with status " + std::to_string(WEXITSTATUS(p.status))
                                                : "by signal " + std::to_string(WTERMSIG(p.status));
    constexpr std::chrono::hours later{24};
    const failure ended(
        errc::source_unreachable,
        "the tap ended " + how + " after " + std::to_string(p.error_bytes) + " bytes on its standard error",
        "Run it by hand to see what it says; Rollbook does not keep that, because it may hold pupils' data.",
        later
    );
    co_return ended;
}

} // namespace rollbook
