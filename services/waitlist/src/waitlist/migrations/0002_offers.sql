-- What entries are offered, and which of them are becoming bookings right now.

-- An offer stays when it has ended: it tells what an entry was offered, and what it let pass.
CREATE TABLE offers (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    entry_id text COLLATE "C" NOT NULL REFERENCES entries (id),
    queue text COLLATE "C" NOT NULL, -- the entry's
    attempt integer NOT NULL CHECK (attempt >= 0), -- counts what the guest was told of; 0: not told
    round text COLLATE "C" NOT NULL, -- the id of the first offer of the place, as it is passed on until it is taken
    held boolean NOT NULL, -- whether it has the place to itself
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    party_size integer NOT NULL CHECK (party_size >= 1),
    title text, -- of the event instance
    table_ids text[] NOT NULL,
    hold_minutes integer NOT NULL CHECK (hold_minutes >= 1),
    hold_id text COLLATE "C", -- at booking
    hold_open boolean NOT NULL, -- whether that hold may be there yet
    leaves boolean NOT NULL, -- whether who lets it pass waits no more
    state text COLLATE "C" NOT NULL
        CHECK (state IN ('requested', 'live', 'accepted', 'declined', 'expired', 'failed', 'withdrawn')),
    expires_at timestamptz NOT NULL,
    made_by text COLLATE "C" NOT NULL CHECK (made_by IN ('staff', 'system')),
    request_id text NOT NULL,
    leased_until timestamptz NOT NULL, -- until then a requested one is in the hands of who asked for its hold
    CHECK (end_time > start_time),
    CHECK (NOT hold_open OR hold_id IS NOT NULL),
    CHECK (state <> 'live' OR (held = hold_open AND attempt > 0))
);

-- An entry is offered one thing at a time.
CREATE UNIQUE INDEX offers_one_of_entry ON offers (entry_id) WHERE state IN ('requested', 'live');

-- What a match looks at: what is under way or to be given back, and what was let pass.
CREATE INDEX offers_open ON offers (org_id, queue) WHERE state IN ('requested', 'live') OR hold_open;
CREATE INDEX offers_rounds ON offers (org_id, queue, start_time, round)
    WHERE state IN ('requested', 'live', 'accepted', 'declined', 'expired');
CREATE INDEX offers_of_entry ON offers (entry_id, id);

-- What the worker looks for.
CREATE INDEX offers_by_lease ON offers (leased_until) WHERE state = 'requested';
CREATE INDEX offers_by_expiry ON offers (expires_at) WHERE state = 'live';
CREATE INDEX offers_to_release ON offers (expires_at) WHERE hold_open AND state <> 'live';

-- A booking that has been asked for and not been heard of yet. A row goes when the answer is known.
CREATE TABLE conversions (
    id text COLLATE "C" NOT NULL,
    entry_id text COLLATE "C" PRIMARY KEY REFERENCES entries (id),
    org_id text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL,
    offer_id text COLLATE "C" REFERENCES offers (id),
    request jsonb NOT NULL, -- what booking is asked, however often
    made_by text COLLATE "C" NOT NULL CHECK (made_by IN ('client', 'staff', 'system')),
    request_id text NOT NULL,
    leased_until timestamptz NOT NULL -- until then it is in the hands of who asked
);
CREATE INDEX conversions_of_queue ON conversions (org_id, queue);
CREATE INDEX conversions_by_lease ON conversions (leased_until);
