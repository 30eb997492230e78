-- How far the rules on marks have come, so that what a read left behind that died before it was closed is judged by the
-- next. schemas/README.md says who writes it.

ALTER TABLE source_state ADD COLUMN marks_judged_to INTEGER;
