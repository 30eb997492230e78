-- What an account is for: the pupils within its scope, and of an auditor the engagement. schemas/README.md says what
-- each column means and who writes it.

ALTER TABLE account ADD COLUMN scope TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN person TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN body TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN purpose TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN first_day INTEGER;
ALTER TABLE account ADD COLUMN last_day INTEGER;
