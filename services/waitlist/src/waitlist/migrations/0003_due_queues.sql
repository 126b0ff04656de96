-- Which queues are to be looked at, and when. A row is there as long as a look is owed or under way.

CREATE TABLE queues (
    org_id text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL,
    due_at timestamptz NOT NULL, -- 'infinity' while a look is under way and nobody has asked for another
    marked_at timestamptz NOT NULL, -- since when the look is owed that is under way, or else due
    held_by text COLLATE "C", -- by whose take
    held_until timestamptz, -- until then it is nobody else's; without a holder it rests
    failures integer NOT NULL DEFAULT 0, -- in a row
    PRIMARY KEY (org_id, queue),
    CHECK (held_by IS NULL OR held_until IS NOT NULL)
);
CREATE INDEX queues_next ON queues (coalesce(held_until, due_at));
CREATE INDEX queues_held ON queues (held_by) WHERE held_by IS NOT NULL;

-- How far the sweep over all queues has come; one row, whose lock is the sweep's.
CREATE TABLE sweep (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    org_id text COLLATE "C" NOT NULL DEFAULT '',
    queue text COLLATE "C" NOT NULL DEFAULT '',
    due_at timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO sweep DEFAULT VALUES;

-- All queues of a location, however many have waited there before.
CREATE INDEX entries_live_of_location ON entries (org_id, location_id, queue)
    WHERE status IN ('waiting', 'notified') AND location_id IS NOT NULL;
