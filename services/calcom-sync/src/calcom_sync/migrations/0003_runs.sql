-- Syncs: those that wait, the one that each organization may have under way, and those that were.

CREATE TABLE runs (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('manual', 'incremental', 'reconcile', 'webhook')),
    state text COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'completed', 'failed')),
    range_start timestamptz, -- of the bookings that were asked for; NULL: without an end on that side
    range_end timestamptz,
    position json, -- where it goes on if it is taken again; NULL: at the beginning
    counts json NOT NULL, -- of the uids that were read, by what became of them; but for those in run_items
    requests integer NOT NULL, -- that were made to Cal.com
    error_code text,
    error_message text,
    held_by text COLLATE "C", -- whose take it is
    held_until timestamptz, -- how long the take is good without being kept
    takes integer NOT NULL, -- how often it was taken
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    CHECK ((state = 'running') = (held_by IS NOT NULL)),
    CHECK ((held_by IS NULL) = (held_until IS NULL)),
    CHECK ((state IN ('completed', 'failed')) = (ended_at IS NOT NULL)),
    CHECK ((state = 'failed') = (error_code IS NOT NULL))
);

CREATE UNIQUE INDEX runs_one_under_way ON runs (org_id) WHERE state = 'running';
CREATE INDEX runs_to_take ON runs (created_at, id) WHERE state IN ('queued', 'running');
CREATE INDEX runs_of_org ON runs (org_id, id);

-- What runs told booking, and what became of it.
CREATE TABLE run_items (
    event_id text COLLATE "C" PRIMARY KEY,
    run_id text COLLATE "C" NOT NULL REFERENCES runs ON DELETE CASCADE,
    chain_id text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" -- NULL until booking has answered
);
CREATE INDEX run_items_of_run ON run_items (run_id, chain_id) INCLUDE (outcome);
