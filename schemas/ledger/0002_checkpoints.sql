-- Checkpoints that witnesses signed as well, and which checkpoints may go. schemas/README.md says what each table and
-- column means and who writes it.

CREATE TABLE cosignature (
    size        INTEGER NOT NULL,
    line        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    key_id      INTEGER NOT NULL,
    signed_at   INTEGER,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (size, line)
) WITHOUT ROWID;

CREATE TABLE checkpoint_kept (
    size INTEGER NOT NULL,
    why  TEXT    NOT NULL,
    at   INTEGER NOT NULL,
    PRIMARY KEY (size, why)
) WITHOUT ROWID;

CREATE TRIGGER cosignature_is_never_changed BEFORE UPDATE ON cosignature
BEGIN SELECT RAISE(ABORT, 'cosignatures are never changed'); END;
CREATE TRIGGER cosignature_is_never_removed BEFORE DELETE ON cosignature
BEGIN SELECT RAISE(ABORT, 'cosignatures are never removed'); END;
CREATE TRIGGER checkpoint_kept_is_never_changed BEFORE UPDATE ON checkpoint_kept
BEGIN SELECT RAISE(ABORT, 'a checkpoint that is kept is kept for good'); END;
CREATE TRIGGER checkpoint_kept_is_never_removed BEFORE DELETE ON checkpoint_kept
BEGIN SELECT RAISE(ABORT, 'a checkpoint that is kept is kept for good'); END;

-- What stays: the last checkpoint of each day (UTC), and each that somebody outside may hold.
DROP TRIGGER checkpoint_is_never_removed;
CREATE TRIGGER checkpoint_is_kept BEFORE DELETE ON checkpoint
WHEN NOT EXISTS (SELECT 1 FROM checkpoint AS later WHERE later.size > OLD.size AND later.at / 86400000 = OLD.at / 86400000)
  OR EXISTS (SELECT 1 FROM checkpoint_kept AS kept WHERE kept.size = OLD.size)
BEGIN SELECT RAISE(ABORT, 'this checkpoint is kept'); END;
