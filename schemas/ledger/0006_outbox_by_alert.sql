-- What was sent about an alert on a route is asked each time the alert moves on.
CREATE INDEX outbox_by_alert ON outbox (alert, route) WHERE alert IS NOT NULL;
