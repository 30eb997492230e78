#include "daemon/base/random.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"

#include <array>
#include <ostream>

namespace rollbook {
namespace {

// 120 random bits in letters that cannot be taken for one another: six groups of four.
std::string make_setup_code()
{
    constexpr std::string_view letters = "ABCDEFGHJKMNPQRSTVWXYZ0123456789";
    static_assert(letters.size() == 32);
    std::array<std::uint8_t, 24> random{};
    random_bytes(random);
    std::string code;
    for (std::size_t i = 0; i < random.size(); ++i) {
        if (i > 0 && i % 4 == 0) code += '-';
        code += letters[random[i] % letters.size()];
    }
    wipe(random);
    return code;
}

int change(const command_io& io, const command_options& options, account_request asked)
{
    return with_configuration(io, options, [&](const configuration& config) {
        asked.name = options.user;
        std::string code;
        if (asked.command != account_request::kind::remove) {
            code = make_setup_code();
            asked.setup_hash = to_hex(sha256(as_bytes(code)));
        }
        io.context.change_account(config, asked).value();
        if (code.empty()) {
            io.out << "The account " << options.user << " is gone, and its sessions are over.\n";
            return exit_done;
        }
        const std::string& url = config.web.public_url;
        io.out << "Set-up code of " << options.user << ", good for 7 days and used once:\n\n  " << code
               << "\n\nIts user opens " << (url.empty() ? "http://" + config.web.listen : plain(url))
               << "/setup, chooses a password and adds the account to an authenticator app.\n";
        return exit_done;
    });
}

std::string_view state_of(const account& each, instant now)
{
    if (each.is_set_up()) return "ready";
    return each.setup_until > now ? "waits to be set up" : "set-up code too old";
}

} // namespace

int run_user_add(const command_io& io, const command_options& options)
{
    account_request asked;
    asked.role = parse_role(options.role);
    if (!asked.role)
        throw failure_error(failure(errc::usage, "--role names no role", "Give " + std::string(role_words) + "."));
    return change(io, options, asked);
}

int run_user_remove(const command_io& io, const command_options& options)
{
    account_request asked;
    asked.command = account_request::kind::remove;
    return change(io, options, asked);
}

int run_user_reset(const command_io& io, const command_options& options)
{
    account_request asked;
    asked.command = account_request::kind::reset;
    return change(io, options, asked);
}

int run_user_list(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        const std::vector<account> all = io.context.accounts(config).value();
        const instant now = io.context.now(config);
        json_list list(io.out);
        text_table table(io.out, {"Account", "Role", "State"});
        for (const account& each : all) {
            if (options.json)
                list.item([&](json_writer& out) {
                    out.begin_object().member("name", each.name).member("ready", each.is_set_up());
                    out.member("role", name_of(each.role)).end_object();
                });
            else
                table.row({each.name, std::string(name_of(each.role)), std::string(state_of(each, now))});
        }
        if (options.json)
            list.end();
        else
            table.end();
        if (!options.json && all.empty()) io.out << "No accounts. `rollbook user add` makes one.\n";
        return exit_done;
    });
}

} // namespace rollbook
