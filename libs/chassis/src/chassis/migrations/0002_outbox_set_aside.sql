-- Events that the broker never takes, as they are larger than it was told to take; an operator decides what becomes of
-- them (docs/consume-the-streams.md).
CREATE TABLE outbox_set_aside (
    id bigint PRIMARY KEY, -- that it had in the outbox
    event_id text COLLATE "C" NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL,
    reason text NOT NULL, -- in the broker's words
    set_aside_at timestamptz NOT NULL DEFAULT now()
);

-- What came so long ago that it cannot come again is swept away by its age.
CREATE INDEX inbox_by_age ON inbox (received_at);
