-- Cal.com's webhooks: what they are signed with, those that came, and the bookings that are to be read because of them.

ALTER TABLE integrations
    ADD COLUMN old_secret bytea, -- sealed; the webhook secret before the present one
    ADD COLUMN old_secret_ends_at timestamptz, -- until when it is good too
    ADD CHECK ((old_secret IS NULL) = (old_secret_ends_at IS NULL));

-- Those that came lately, by which one that comes again is known.
CREATE TABLE webhooks (
    org_id text COLLATE "C" NOT NULL,
    body_hash bytea NOT NULL, -- Cal.com gives them no id
    came_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, body_hash)
);
CREATE INDEX webhooks_by_age ON webhooks (came_at);

-- Bookings that are to be read again; a row goes when that is done.
CREATE TABLE marks (
    org_id text COLLATE "C" NOT NULL,
    uid text COLLATE "C" NOT NULL,
    times bigint NOT NULL, -- how often webhooks told of it
    said_at timestamptz, -- the latest writing at Cal.com that they told of, by its clock
    heard_at timestamptz NOT NULL, -- when they told of it last
    tries integer NOT NULL, -- how often it was read since
    due_at timestamptz NOT NULL, -- when it is to be read
    run_id text COLLATE "C", -- which run has it in hand; another one may have it when it is due
    PRIMARY KEY (org_id, uid)
);
CREATE INDEX marks_to_take ON marks (due_at);

-- However many webhooks come, one run waits to read what they are about.
CREATE UNIQUE INDEX runs_one_webhook_waits ON runs (org_id) WHERE kind = 'webhook' AND state = 'queued';
