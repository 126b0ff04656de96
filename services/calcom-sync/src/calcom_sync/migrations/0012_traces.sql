-- The trace contexts of what asked for a run, and of the webhook that told of a booking last.

ALTER TABLE runs ADD COLUMN traceparent text;
ALTER TABLE marks ADD COLUMN traceparent text;
