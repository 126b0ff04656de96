-- Events of subscriptions, and how their endpoints fare.

ALTER TABLE subscriptions
    ADD COLUMN sequence integer NOT NULL DEFAULT 0, -- of its latest event
    ADD COLUMN last_event_id text COLLATE "C",
    ADD COLUMN active_since timestamptz; -- under its present URL: what was before says nothing about its endpoint
UPDATE subscriptions SET active_since = updated_at;
ALTER TABLE subscriptions ALTER COLUMN active_since SET NOT NULL;
ALTER TABLE subscriptions
    DROP CONSTRAINT subscriptions_disabled_reason_check,
    ADD CONSTRAINT subscriptions_disabled_reason_check CHECK (disabled_reason IN ('requested', 'gone', 'failing'));

-- What the stream of attempts made of each endpoint, for every instance to read. `position` is the offset of the record
-- that was counted last: an instance that has lost the endpoint to another overwrites nothing that is newer.
CREATE TABLE endpoint_health (
    subscription_id text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    active_since timestamptz NOT NULL, -- of the attempts that were counted
    failing_since timestamptz, -- the first failure with no success after it
    failures integer NOT NULL, -- since then
    last_success_at timestamptz,
    last_attempt_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

-- One row a minute and endpoint, in a ring: a minute takes the place of the one an hour and some minutes before it, so
-- the table never outgrows the number of endpoints and nothing has to be deleted by age.
CREATE TABLE endpoint_minutes (
    subscription_id text COLLATE "C" NOT NULL,
    slot smallint NOT NULL,
    minute bigint NOT NULL, -- since 1970
    position bigint NOT NULL,
    successes integer NOT NULL,
    latencies jsonb NOT NULL, -- bucket: attempts
    PRIMARY KEY (subscription_id, slot)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);
