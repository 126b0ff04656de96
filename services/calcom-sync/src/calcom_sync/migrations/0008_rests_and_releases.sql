-- Organizations of which nothing could be read when a webhook told of something: for how long they are left alone.
CREATE TABLE rests (
    org_id text COLLATE "C" PRIMARY KEY REFERENCES integrations ON DELETE CASCADE,
    failures integer NOT NULL, -- of runs of webhooks, in a row
    ends_at timestamptz NOT NULL,
    settings_at timestamptz NOT NULL -- of when the settings were; others end it
);

-- Organizations whose integration was deleted, until booking was told that their bookings' times may be changed here.
CREATE TABLE releases (
    org_id text COLLATE "C" PRIMARY KEY,
    after text COLLATE "C" NOT NULL DEFAULT '' -- the last of its chains that was told of
);
