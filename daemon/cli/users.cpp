#include "daemon/base/random.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/cli/cases.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/views/people.hpp"

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
        asked.successor = options.successor;
        asked.person = options.person;
        asked.body = options.body;
        asked.purpose = options.purpose;
        asked.first_day = options.from_day;
        asked.last_day = options.to_day;
        if (!options.scope.empty()) {
            std::string all;
            for (const std::string& each : options.scope)
                all += each + ",";
            asked.scope = parse_scope(all).value();
        }
        std::string code;
        const bool is_set_up_anew =
            asked.command == account_request::kind::add || asked.command == account_request::kind::reset;
        if (is_set_up_anew) {
            code = make_setup_code();
            asked.setup_hash = to_hex(sha256(as_bytes(code)));
        }
        io.context.change_account(config, asked).value();
        if (asked.command == account_request::kind::alter) {
            io.out << "The account " << options.user << " is changed, and its sessions are over.\n";
            return exit_done;
        }
        if (code.empty()) {
            io.out << "The account " << options.user << " is gone, and its sessions are over.\n";
            return exit_done;
        }
        const std::string& url = config.web.public_url;
        io.out << "Set-up code of " << options.user << ", good for 7 days and used once:\n\n  " << code
               << "\n\nIts user opens " << (url.empty() ? "http://" + config.web.listen : plain(url))
               << "/setup, chooses a password and adds the account to an authenticator app.\n";
        if (!config.web.identity_header.empty())
            io.out << "Through the school's sign-on the account can be used as it is, under the name " << options.user
                   << ".\n";
        return exit_done;
    });
}

std::string_view state_of(const account& each, bool has_sign_on, instant now)
{
    if (each.is_set_up()) return "ready";
    if (has_sign_on) return "by the school's sign-on";
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

int run_user_alter(const command_io& io, const command_options& options)
{
    account_request asked;
    asked.command = account_request::kind::alter;
    return change(io, options, asked);
}

namespace {

int change_opening(const command_io& io, const command_options& options, decision_kind kind)
{
    return with_ledger(io, options, [&](const workplace& at) {
        decision_request request;
        request.kind = kind;
        request.pupil = people(at).find(words_in(options.pupil)).value();
        request.owner = options.user;
        request.text = words_in(options.reason);
        return carry_out(io, options, at.config, std::move(request));
    });
}

} // namespace

int run_user_open(const command_io& io, const command_options& options)
{
    return change_opening(io, options, decision_kind::open_pupil);
}

int run_user_close(const command_io& io, const command_options& options)
{
    return change_opening(io, options, decision_kind::close_pupil);
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
        text_table table(io.out, {"Account", "Role", "State", "Scope", "From", "To", "Person", "Body", "Purpose"});
        const auto day = [](const std::optional<civil_day>& on) { return on ? format_day(*on) : std::string(); };
        for (const account& each : all) {
            if (options.json)
                list.item([&](json_writer& out) {
                    const auto given = [&](std::string_view key, const std::string& text) {
                        if (!text.empty()) out.member(key, text);
                    };
                    out.begin_object();
                    given("body", each.body);
                    given("from", day(each.first_day));
                    out.member("name", each.name);
                    given("person", each.person);
                    given("purpose", each.purpose);
                    out.member("ready", each.is_set_up());
                    out.member("role", name_of(each.role));
                    given("scope", to_text(each.scope));
                    given("to", day(each.last_day));
                    out.end_object();
                });
            else
                table.row(
                    {each.name,
                     std::string(name_of(each.role)),
                     std::string(state_of(each, !config.web.identity_header.empty(), now)),
                     each.kept_to() && each.scope.is_empty() ? "nobody" : plain(to_text(each.scope)),
                     day(each.first_day),
                     day(each.last_day),
                     plain(each.person),
                     plain(each.body),
                     plain(each.purpose)}
                );
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
