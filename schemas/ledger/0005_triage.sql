-- Why records that were held are no longer read. schemas/README.md says what each column means and who writes it.

ALTER TABLE statement ADD COLUMN tombstoned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE statement ADD COLUMN leavers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE statement ADD COLUMN out_of_scope INTEGER NOT NULL DEFAULT 0;
ALTER TABLE statement ADD COLUMN outside_window INTEGER NOT NULL DEFAULT 0;
