-- What every service needs to publish without loss, to consume once and to answer a repeated POST once.

-- Events that are committed but not yet acknowledged by the broker. Rows of one key are inserted while the writer holds
-- the lock of that resource's row, so their ids rise in commit order. The table stays small: the relay deletes what
-- the broker acknowledged, so autovacuum must follow closely or the reads at its head slow down.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text COLLATE "C" NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 10000,
    autovacuum_vacuum_cost_delay = 0
);

-- Events whose effect is committed: the row is written in the transaction of the effect (so a second delivery of the
-- record finds it). The record itself is kept, so that its consumer can come back to it.
CREATE TABLE inbox (
    event_id text COLLATE "C" PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    record bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

-- Answers given to POST requests that carried an Idempotency-Key, sealed, for 24 hours.
CREATE TABLE idempotency_keys (
    scope bytea PRIMARY KEY, -- SHA-256 of organization, API key, method, path and Idempotency-Key
    fingerprint bytea NOT NULL, -- SHA-256 of the request's body
    status smallint NOT NULL,
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
