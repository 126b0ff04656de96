-- Rounds of deliveries, and the jobs that open many deliveries again.

-- A delivery that has ended can be opened again under the same id: a new round, its attempts numbered on. What a worker
-- writes of an older round finds no row.
ALTER TABLE deliveries
    ADD COLUMN round integer NOT NULL DEFAULT 0, -- how often it was opened again
    ADD COLUMN earlier_attempts integer NOT NULL DEFAULT 0; -- how many of its attempts were made in earlier rounds

-- What can be recovered: no delivery that arrives at once is ever in here.
CREATE INDEX deliveries_ended_badly ON deliveries (subscription_id, id) WHERE state IN ('exhausted', 'discarded');

-- One row a recovery (of deliveries that are here) or a replay (of the log). A worker holds a running one until `due_at`
-- and puts that off with each batch, in the batch's own transaction.
CREATE TABLE replays (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    subscription_id text COLLATE "C" NOT NULL,
    kind text NOT NULL CHECK (kind IN ('recover', 'replay')),
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    events text[], -- patterns; null for the subscription's own
    dry_run boolean NOT NULL,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    error text,
    expected bigint, -- of a recovery: how many were to be opened when it was asked for, counted up to a bound
    position text COLLATE "C" NOT NULL DEFAULT '', -- of a recovery: the last delivery that was looked at
    is_planned boolean NOT NULL DEFAULT false, -- of a replay: whether its stretches are written
    earliest timestamptz, -- of a replay that begins before the log does: from when on the log is whole
    records_read bigint NOT NULL DEFAULT 0,
    matched bigint NOT NULL DEFAULT 0,
    reopened bigint NOT NULL DEFAULT 0,
    created bigint NOT NULL DEFAULT 0,
    types jsonb NOT NULL DEFAULT '{}', -- how many matched, by type
    samples jsonb NOT NULL DEFAULT '[]', -- of a dry run: the first that matched
    leased_by text COLLATE "C",
    due_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CHECK ((state = 'running') = (finished_at IS NULL)),
    CHECK ((state = 'failed') = (error IS NOT NULL))
);
CREATE INDEX replays_by_subscription ON replays (subscription_id, id);
CREATE INDEX replays_due ON replays (due_at) WHERE state = 'running';
CREATE UNIQUE INDEX replays_one_at_a_time ON replays (subscription_id, kind, dry_run) WHERE state = 'running';

-- What a replay reads: a stretch of each partition, from the next record to read up to the first one behind its end.
CREATE TABLE replay_stretches (
    replay_id text COLLATE "C" NOT NULL REFERENCES replays ON DELETE CASCADE,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_position bigint NOT NULL,
    end_position bigint NOT NULL,
    PRIMARY KEY (replay_id, topic, partition)
);
