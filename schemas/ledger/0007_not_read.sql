-- Why a kind of record was not read. schemas/README.md says what the column means and who writes it.

ALTER TABLE statement ADD COLUMN not_read TEXT NOT NULL DEFAULT '';
