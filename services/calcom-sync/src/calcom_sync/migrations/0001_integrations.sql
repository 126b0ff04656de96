-- How each organization's bookings are read at Cal.com; at most one way each.

CREATE TABLE integrations (
    org_id text COLLATE "C" PRIMARY KEY,
    base_url text NOT NULL,
    api_version text COLLATE "C" NOT NULL,
    pagination text COLLATE "C" NOT NULL CHECK (pagination IN ('offset', 'cursor')),
    schedules jsonb NOT NULL, -- which of Cal.com's event types belongs to which schedule and event type here
    default_schedule_id text COLLATE "C",
    times_editable boolean NOT NULL,
    sync_interval_seconds integer NOT NULL CHECK (sync_interval_seconds >= 1),
    enabled boolean NOT NULL,
    api_key bytea NOT NULL, -- sealed
    api_key_ends text NOT NULL, -- its last characters, to tell it by
    webhook_secret bytea NOT NULL, -- sealed
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL
);
