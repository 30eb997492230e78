// The program itself: it says where it listens, serves there, and ends when asked.

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

class program {
public:
    explicit program(std::vector<std::string> words)
    {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        child_ = ::fork();
        if (child_ == 0) {
            ::dup2(ends[1], 1);
            ::close(ends[0]);
            ::close(ends[1]);
            std::vector<char*> argv;
            static std::string path = SIMULATED_SCHOOL;
            argv.push_back(path.data());
            for (std::string& w : words)
                argv.push_back(w.data());
            argv.push_back(nullptr);
            ::execv(path.c_str(), argv.data());
            ::_exit(127);
        }
        ::close(ends[1]);
        for (char c; ::read(ends[0], &c, 1) == 1 && c != '\n';)
            line += c;
        ::close(ends[0]);
    }
    ~program()
    {
        if (child_ > 0) end(SIGKILL);
    }
    program(const program&) = delete;
    program& operator=(const program&) = delete;

    int end(int signal)
    {
        int status = 0;
        ::kill(child_, signal);
        ::waitpid(child_, &status, 0);
        child_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    // The number behind `name` in the line of JSON.
    long number(const std::string& name) const
    {
        const std::size_t at = line.find("\"" + name + "\":");
        return at == std::string::npos ? -1 : std::atol(line.c_str() + at + name.size() + 3);
    }

    std::string line;

private:
    pid_t child_ = -1;
};

std::string ask(long port, const std::string& bytes)
{
    const int s = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(s, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    REQUIRE(::write(s, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    std::string heard;
    char part[65536];
    for (ssize_t n; (n = ::read(s, part, sizeof part)) > 0;)
        heard.append(part, static_cast<std::size_t>(n));
    ::close(s);
    return heard;
}

} // namespace

TEST_CASE("the program says where it listens, serves there, and ends with 0 on SIGTERM", "[school]")
{
    program p({"--pupils", "50", "--school-days", "10", "--today", "2026-11-22"});
    CAPTURE(p.line);
    CHECK(p.number("marks") == 1000);
    CHECK(p.number("pupils") == 50);
    CHECK(p.line.find("\"last_day\":\"2026-11-20\"") != std::string::npos);
    const std::string page = ask(p.number("http"), "GET /admin/school HTTP/1.1\r\nConnection: close\r\n\r\n");
    CHECK(page.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(page.ends_with("}"));
    CHECK(ask(p.number("smtp"), "QUIT\r\n").find("221 ") != std::string::npos);
    CHECK(p.end(SIGTERM) == 0);
}

TEST_CASE("a fault set over HTTP is felt by the next client", "[school]")
{
    program p({"--pupils", "50", "--school-days", "10"});
    const std::string fault = R"({"endpoint":"hook/x","kind":"status","status":500})";
    CHECK(ask(p.number("http"),
              "POST /admin/fault HTTP/1.1\r\nConnection: close\r\nContent-Length: " + std::to_string(fault.size()) +
                  "\r\n\r\n" + fault)
              .starts_with("HTTP/1.1 200"));
    CHECK(ask(p.number("http"), "POST /hook/x HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
              .starts_with("HTTP/1.1 500"));
    CHECK(p.end(SIGINT) == 0);
}

TEST_CASE("wrong usage ends with 2", "[school]")
{
    const auto words = GENERATE(
        std::vector<std::string>{"--seed"},
        std::vector<std::string>{"--pupils", "none"},
        std::vector<std::string>{"--today", "2026-02-30"},
        std::vector<std::string>{"--colour", "blue"}
    );
    program p(words);
    CHECK(p.end(0) == 2);
}
