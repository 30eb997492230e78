#include "daemon/ledger/accounts.hpp"

#include "daemon/ledger/database.hpp"

namespace rollbook {
namespace {

constexpr const char* account_columns =
    "SELECT name, role, password, totp_secret, totp_step, setup_hash, setup_until, changed_at, scope, person, body, "
    "purpose, first_day, last_day FROM account";

account read_account(SQLite::Statement& row)
{
    account value;
    value.name = text_of(row.getColumn(0));
    // A role that this program does not know may see nothing of a pupil.
    value.role = parse_role(text_of(row.getColumn(1))).value_or(role::admin);
    value.password = text_of(row.getColumn(2));
    value.totp_secret = text_of(row.getColumn(3));
    value.totp_step = row.getColumn(4).getInt64();
    value.setup_hash = text_of(row.getColumn(5));
    value.setup_until = from_milliseconds(row.getColumn(6).getInt64());
    value.changed_at = from_milliseconds(row.getColumn(7).getInt64());
    // A scope that this program cannot read is one of nobody's pupils.
    const auto scope = parse_scope(text_of(row.getColumn(8)));
    value.scope = scope ? *scope : pupil_scope{{""}, {}};
    value.person = text_of(row.getColumn(9));
    value.body = text_of(row.getColumn(10));
    value.purpose = text_of(row.getColumn(11));
    const auto day = [&](int column) {
        return row.getColumn(column).isNull() ? std::optional<civil_day>()
                                              : from_day_number(row.getColumn(column).getInt64());
    };
    value.first_day = day(12);
    value.last_day = day(13);
    return value;
}

std::vector<account> read_accounts(SQLite::Database& database)
{
    SQLite::Statement rows(database, std::string(account_columns) + " ORDER BY name");
    std::vector<account> all;
    while (rows.executeStep())
        all.push_back(read_account(rows));
    return all;
}

class sqlite_accounts final : public account_book {
public:
    explicit sqlite_accounts(std::unique_ptr<SQLite::Database> database) : database_(std::move(database)) {}

    std::optional<account> find(std::string_view name) const override
    {
        SQLite::Statement row(*database_, std::string(account_columns) + " WHERE name = ?");
        row.bind(1, std::string(name));
        if (!row.executeStep()) return std::nullopt;
        return read_account(row);
    }

    std::vector<account> all() const override { return read_accounts(*database_); }

    void put(const account& value) override
    {
        SQLite::Statement row(
            *database_,
            "INSERT OR REPLACE INTO account (name, role, password, totp_secret, totp_step, setup_hash, setup_until, "
            "changed_at, scope, person, body, purpose, first_day, last_day) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        );
        row.bind(1, value.name);
        row.bind(2, std::string(name_of(value.role)));
        row.bind(3, value.password);
        row.bind(4, value.totp_secret.data(), static_cast<int>(value.totp_secret.size()));
        row.bind(5, value.totp_step);
        row.bind(6, value.setup_hash.data(), static_cast<int>(value.setup_hash.size()));
        row.bind(7, to_milliseconds(value.setup_until));
        row.bind(8, to_milliseconds(value.changed_at));
        row.bind(9, to_text(value.scope));
        row.bind(10, value.person);
        row.bind(11, value.body);
        row.bind(12, value.purpose);
        if (value.first_day) row.bind(13, to_day_number(*value.first_day));
        if (value.last_day) row.bind(14, to_day_number(*value.last_day));
        row.exec();
    }

    bool remove(std::string_view name) override
    {
        SQLite::Statement row(*database_, "DELETE FROM account WHERE name = ?");
        row.bind(1, std::string(name));
        return row.exec() > 0;
    }

private:
    std::unique_ptr<SQLite::Database> database_;
};

} // namespace

result<std::unique_ptr<account_book>> open_accounts(const std::filesystem::path& ledger)
{
    auto database = open_database(ledger, access_mode::write);
    if (!database) return database.error();
    return std::unique_ptr<account_book>(std::make_unique<sqlite_accounts>(std::move(*database)));
}

result<std::vector<account>> list_accounts(const std::filesystem::path& ledger)
{
    const auto database = open_database(ledger, access_mode::read);
    if (!database) return database.error();
    return read_accounts(**database);
}

} // namespace rollbook
