-- What a standing alert's value is between two of its versions. schemas/README.md says what the columns mean and who
-- writes them.
CREATE TABLE alert_value (
    alert INTEGER NOT NULL,
    size INTEGER NOT NULL,
    value INTEGER NOT NULL,
    absent INTEGER,
    possible INTEGER,
    first_day INTEGER NOT NULL,
    last_day INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (alert, size)
) WITHOUT ROWID;
