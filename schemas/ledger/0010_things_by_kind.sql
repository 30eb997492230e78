-- Pages ask for all of one kind, the alerts or the actions, and for all that was ever said of one thing, again and
-- again: without these each question reads every thing that was ever held. Within a kind or a thing the rows stay in
-- order of entry.

CREATE INDEX thing_by_what ON thing (what);
CREATE INDEX thing_by_subject ON thing (subject);
