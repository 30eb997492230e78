-- The ledger of one school. schemas/README.md says what each table and column means and who writes it.
-- Numbered files are never edited once released.

-- Ledger: append-only, checked by anyone.

CREATE TABLE entry (
    idx         INTEGER PRIMARY KEY,
    kind        INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    commitment  BLOB    NOT NULL
);

CREATE TABLE opening (
    idx        INTEGER PRIMARY KEY,
    commit_key BLOB NOT NULL,
    payload    BLOB NOT NULL
);

CREATE TABLE tile (
    level  INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    hashes BLOB    NOT NULL,
    PRIMARY KEY (level, n)
) WITHOUT ROWID;

CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    note TEXT    NOT NULL
);

CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entry_is_never_removed BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END;
CREATE TRIGGER opening_is_never_changed BEFORE UPDATE ON opening
BEGIN SELECT RAISE(ABORT, 'openings are never changed'); END;
CREATE TRIGGER tile_is_never_changed BEFORE UPDATE ON tile
BEGIN SELECT RAISE(ABORT, 'tiles are never changed'); END;
CREATE TRIGGER tile_is_never_removed BEFORE DELETE ON tile
BEGIN SELECT RAISE(ABORT, 'tiles are never removed'); END;
CREATE TRIGGER checkpoint_is_never_changed BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END;
CREATE TRIGGER checkpoint_is_never_removed BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'checkpoints are never removed'); END;

-- Projections: made from the openings, and again by `rollbook ledger rebuild`. Keyed in the order entries arrive.

CREATE TABLE mark (
    entry    INTEGER PRIMARY KEY,
    to_entry INTEGER,
    day      INTEGER NOT NULL,
    session  INTEGER NOT NULL,
    pupil    INTEGER NOT NULL,
    source   TEXT    NOT NULL,
    raw      TEXT    NOT NULL,
    code     TEXT    NOT NULL,
    minutes  INTEGER NOT NULL,
    digest   INTEGER NOT NULL,
    gone     INTEGER NOT NULL
);

CREATE TABLE thing (
    entry    INTEGER PRIMARY KEY,
    to_entry INTEGER,
    what     INTEGER NOT NULL,
    subject  INTEGER NOT NULL,
    pupil    INTEGER,
    source   TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    digest   INTEGER NOT NULL,
    gone     INTEGER NOT NULL
);

-- Working tables: backed up, not rebuilt.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE source_state (
    source          TEXT PRIMARY KEY,
    first_closed_at INTEGER,
    last_attempt    INTEGER,
    last_success    INTEGER,
    data_as_of      INTEGER,
    newest_day      INTEGER,
    statement_day   INTEGER,
    error           TEXT NOT NULL,
    error_to_do     TEXT NOT NULL,
    error_class     TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE stream_state (
    source      TEXT NOT NULL,
    stream      TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    windows     TEXT NOT NULL,
    PRIMARY KEY (source, stream)
) WITHOUT ROWID;

CREATE TABLE statement (
    id           INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    source       TEXT    NOT NULL,
    record       INTEGER NOT NULL,
    read         INTEGER NOT NULL,
    fresh        INTEGER NOT NULL,
    changed      INTEGER NOT NULL,
    unchanged    INTEGER NOT NULL,
    duplicate    INTEGER NOT NULL,
    quarantined  INTEGER NOT NULL,
    vanished     INTEGER NOT NULL,
    restored     INTEGER NOT NULL,
    source_total INTEGER,
    held         INTEGER NOT NULL,
    balanced     INTEGER NOT NULL
);

CREATE TABLE quarantine (
    id         INTEGER PRIMARY KEY,
    digest     INTEGER NOT NULL UNIQUE,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    times      INTEGER NOT NULL,
    source     TEXT    NOT NULL,
    record     INTEGER NOT NULL,
    stream     TEXT    NOT NULL,
    page       INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    row        TEXT    NOT NULL
);

CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY,
    message_id   TEXT    NOT NULL UNIQUE,
    alert        INTEGER,
    pupil        INTEGER,
    stage        TEXT    NOT NULL,
    route        TEXT    NOT NULL,
    type         TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    text         TEXT    NOT NULL,
    json         TEXT    NOT NULL,
    thread       TEXT    NOT NULL,
    made_at      INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    next_at      INTEGER NOT NULL,
    last_error   TEXT    NOT NULL
);
CREATE INDEX outbox_waiting ON outbox (next_at) WHERE state = 0;
