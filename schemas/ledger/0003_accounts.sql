-- Who may open the pages. schemas/README.md says what each column means and who writes it.

CREATE TABLE account (
    name        TEXT PRIMARY KEY,
    role        TEXT    NOT NULL,
    password    TEXT    NOT NULL,
    totp_secret BLOB    NOT NULL,
    totp_step   INTEGER NOT NULL,
    setup_hash  BLOB    NOT NULL,
    setup_until INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL
) WITHOUT ROWID;
