#include "daemon/net/curl_client.hpp"
#include "tests/unit/net/run.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace rollbook;
using namespace rollbook::test;
namespace fs = std::filesystem;

namespace {

// The openssl program as an https server on a port the system picks, with a certificate that nobody has vouched for.
class tls_server {
public:
    explicit tls_server(const std::string& names)
    {
        std::string name = (fs::temp_directory_path() / "rollbook-XXXXXX").string();
        folder_ = mkdtemp(name.data());
        const std::string make =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=A Filter' "
            "-addext subjectAltName=" +
            names + " -keyout '" + key() + "' -out '" + certificate() + "' 2>/dev/null";
        REQUIRE(std::system(make.c_str()) == 0);

        int out[2];
        REQUIRE(pipe2(out, O_CLOEXEC) == 0);
        child_ = fork();
        if (child_ == 0) {
            dup2(out[1], 1);
            dup2(open("/dev/null", O_RDWR), 2);
            execlp(
                "openssl",
                "openssl",
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-www",
                "-key",
                key().c_str(),
                "-cert",
                certificate().c_str(),
                nullptr
            );
            _exit(1);
        }
        close(out[1]);
        FILE* text = fdopen(out[0], "r");
        char line[256];
        while (port_ == 0 && std::fgets(line, sizeof line, text))
            (void)std::sscanf(line, "ACCEPT 127.0.0.1:%d", &port_);
        output_ = text;
        REQUIRE(port_ != 0);
    }
    ~tls_server()
    {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
        if (output_) std::fclose(output_);
        fs::remove_all(folder_);
    }
    std::string url() const { return "https://127.0.0.1:" + std::to_string(port_) + "/"; }
    std::string certificate() const { return (folder_ / "certificate.pem").string(); }

private:
    std::string key() const { return (folder_ / "key.pem").string(); }
    fs::path folder_;
    pid_t child_ = -1;
    FILE* output_ = nullptr;
    int port_ = 0;
};

result<http_response> fetch(const std::string& url, const std::string& ca_file)
{
    boost::asio::io_context loop{1};
    const auto client = make_http_client(loop.get_executor());
    http_request request(url);
    request.ca_file = ca_file;
    const auto call = client->start(std::move(request));
    return run(loop, call->answer());
}

} // namespace

TEST_CASE("a certificate is trusted only when the system or ca_file vouches for it", "[net]")
{
    tls_server school("IP:127.0.0.1");
    const auto refused = fetch(school.url(), "");
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::source_misconfigured);
    CHECK_THAT(refused.error().what, Catch::Contains("self-signed") && Catch::Contains("its issuer is CN=A Filter"));
    // Nothing that we say may lead a person to switch verification off.
    CHECK_THAT(
        refused.error().to_do, Catch::Contains("ca_file") && !Catch::Contains("verif") && !Catch::Contains("off")
    );

    const auto trusted = fetch(school.url(), school.certificate());
    REQUIRE(trusted.has_value());
    CHECK(trusted->status == 200);
}

TEST_CASE("a trusted certificate for another host is refused", "[net]")
{
    tls_server school("DNS:elsewhere.example");
    const auto refused = fetch(school.url(), school.certificate());
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::source_misconfigured);
    CHECK_THAT(refused.error().what, Catch::Contains("its issuer is CN=A Filter"));
}

TEST_CASE("a ca_file that is not there is a mistake in the settings", "[net]")
{
    tls_server school("IP:127.0.0.1");
    const auto refused = fetch(school.url(), "/nowhere/ca.pem");
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::source_misconfigured);
}
