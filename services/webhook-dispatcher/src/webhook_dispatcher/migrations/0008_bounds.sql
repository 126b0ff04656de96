-- Bounds: whatever is asked for or kept, it costs what it holds.

-- Each state that can be rare among very many has an index in which it is alone. What a worker holds fits into its
-- memory, so of pending deliveries only those that nobody holds need one; most are held from birth and never enter it.
CREATE INDEX deliveries_unheld ON deliveries (subscription_id, id) WHERE state = 'pending' AND leased_by IS NULL;
CREATE INDEX deliveries_exhausted ON deliveries (subscription_id, id) WHERE state = 'exhausted';
CREATE INDEX deliveries_discarded ON deliveries (subscription_id, id) WHERE state = 'discarded';
DROP INDEX deliveries_ended_badly;

-- A job that fails again and again ends, and one that nobody wants any more is cancelled.
ALTER TABLE replays
    ADD COLUMN failures integer NOT NULL DEFAULT 0, -- of its steps, in a row
    DROP CONSTRAINT replays_state_check,
    ADD CONSTRAINT replays_state_check CHECK (state IN ('running', 'done', 'failed', 'cancelled'));

-- Of a deleted subscription nothing that is secret stays, and the rest only as long as deliveries of its time are kept.
ALTER TABLE subscriptions ALTER COLUMN headers DROP NOT NULL, ALTER COLUMN secret DROP NOT NULL;
UPDATE subscriptions SET headers = NULL, secret = NULL, old_secrets = NULL, auth = NULL WHERE state = 'deleted';
ALTER TABLE subscriptions
    ADD CHECK ((state = 'deleted') = (headers IS NULL)),
    ADD CHECK ((state = 'deleted') = (secret IS NULL)),
    ADD CHECK (state <> 'deleted' OR old_secrets IS NULL AND auth IS NULL);
CREATE INDEX subscriptions_deleted ON subscriptions (updated_at) WHERE state = 'deleted';

-- The ledger goes through a resource's events by their numbers, some at a time, and through each day's in any order.
DROP INDEX events_by_organization;
CREATE INDEX events_by_organization ON events (org_id, resource_id, sequence) INCLUDE (event_id, matched);

-- One row. No day behind `dropped_until` was ever dropped; null where none was at all.
CREATE TABLE retention (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    dropped_until date
);
-- The days that are there again after they were dropped, with some of their events: a number that is left out on one of
-- them is no loss.
CREATE TABLE restored_days (day date PRIMARY KEY);

-- What was dropped so far is not known: any day that is missing before one that is there may have been.
CREATE TEMPORARY TABLE known ON COMMIT DROP AS
SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'events'::regclass;
INSERT INTO retention (dropped_until)
SELECT max(day - 1) FROM known WHERE day <= current_date AND day - 1 NOT IN (SELECT day FROM known);
INSERT INTO restored_days SELECT day FROM known JOIN retention ON day <= dropped_until;
