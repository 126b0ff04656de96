-- What is looked for without being asked: where each organization's periodic syncs stand.

CREATE TABLE rounds (
    org_id text COLLATE "C" PRIMARY KEY REFERENCES integrations ON DELETE CASCADE,
    watermark timestamptz, -- up to which update Cal.com's bookings are known
    run_id text COLLATE "C", -- the periodic run that was asked for last
    settings_at timestamptz, -- of when the settings were under which it was
    failures integer NOT NULL DEFAULT 0, -- how many in a row failed before it
    reconciled_at timestamptz -- when the last comparison before it was begun that came to a good end
);

-- The uids that a run has read, while it is under way, and what became of each; NULL: booking's answer tells.
CREATE TABLE run_uids (
    run_id text COLLATE "C" NOT NULL REFERENCES runs ON DELETE CASCADE,
    uid text COLLATE "C" NOT NULL,
    outcome text COLLATE "C",
    PRIMARY KEY (run_id, uid)
);

CREATE INDEX run_items_unanswered ON run_items (run_id) WHERE outcome IS NULL;

-- What may be over by now; as text, whose order is that of the instants, to the second.
CREATE INDEX chains_confirmed ON chains (org_id, ((snapshot ->> 'end_time') COLLATE "C"))
WHERE snapshot ->> 'status' = 'CONFIRMED';
