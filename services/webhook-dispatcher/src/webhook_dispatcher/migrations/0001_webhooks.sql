-- Subscriptions, deliveries, their attempts, and the workers that hold deliveries.

-- One row. Every change of a subscription raises the version while it holds the row, so versions rise in commit order,
-- and whoever knows the version knows with one cheap read whether its copy of the subscriptions is the present one.
CREATE TABLE directory (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version bigint NOT NULL
);
INSERT INTO directory (version) VALUES (0);

CREATE TABLE subscriptions (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    description text,
    headers bytea NOT NULL, -- sealed JSON: headers often carry the receiver's tokens
    secret bytea NOT NULL, -- sealed
    retry double precision[], -- pauses in seconds; null for the default schedule
    state text NOT NULL CHECK (state IN ('active', 'disabled', 'deleted')),
    disabled_reason text CHECK (disabled_reason IN ('requested', 'gone')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL,
    CHECK ((state = 'disabled') >= (disabled_reason IS NOT NULL))
);
CREATE INDEX subscriptions_by_organization ON subscriptions (org_id, id);
CREATE INDEX subscriptions_by_version ON subscriptions (version);

-- One row an event and subscription: its id is derived from both, so the primary key is their uniqueness. There is no
-- foreign key to the subscription: each insert would lock that one row.
--
-- Most deliveries are born leased and settled by one update. The indexes carry what claiming and listing need and
-- nothing else; those of pending rows are partial, so that they stay as small as the backlog.
CREATE TABLE deliveries (
    id text COLLATE "C" PRIMARY KEY,
    event_id text COLLATE "C" NOT NULL,
    subscription_id text COLLATE "C" NOT NULL,
    org_id text COLLATE "C" NOT NULL,
    event_type text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'exhausted', 'discarded')),
    reason text CHECK (reason IN ('disabled', 'deleted')),
    attempts integer NOT NULL DEFAULT 0,
    retrying boolean NOT NULL DEFAULT false, -- which lane it waits for: first attempts, or retries
    due_at timestamptz NOT NULL,
    leased_by text COLLATE "C",
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    CHECK ((state = 'pending') = (settled_at IS NULL)),
    CHECK ((state = 'discarded') = (reason IS NOT NULL)),
    CHECK (state = 'pending' OR leased_by IS NULL)
) WITH (
    fillfactor = 80, -- room for the settled version of a row beside its first
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX deliveries_waiting ON deliveries (subscription_id, retrying, due_at)
    WHERE state = 'pending' AND leased_by IS NULL;
CREATE INDEX deliveries_leased ON deliveries (leased_by)
    WHERE state = 'pending' AND leased_by IS NOT NULL;
CREATE INDEX deliveries_by_subscription ON deliveries (subscription_id, id);

CREATE TABLE attempts (
    delivery_id text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    started_at timestamptz NOT NULL,
    latency_ms integer NOT NULL,
    status smallint, -- null where no answer came
    headers jsonb,
    body bytea, -- the first of the answer's bytes
    error text, -- why no answer came, in a word
    detail text, -- and in a sentence
    PRIMARY KEY (delivery_id, number),
    CHECK ((status IS NULL) = (error IS NOT NULL))
);

-- A worker holds deliveries for as long as its heartbeat is fresh; a lease whose worker is not here is free.
CREATE TABLE workers (
    id text COLLATE "C" PRIMARY KEY,
    heartbeat_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
