-- What the tree's tiles that are not full hold at the newest checkpoint. schemas/README.md says what each column means and
-- who writes it.

CREATE TABLE edge (
    level  INTEGER PRIMARY KEY,
    n      INTEGER NOT NULL,
    hashes BLOB    NOT NULL
);
