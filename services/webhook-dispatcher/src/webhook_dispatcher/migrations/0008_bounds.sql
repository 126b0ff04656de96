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
