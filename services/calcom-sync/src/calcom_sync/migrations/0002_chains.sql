-- What was told of each chain of reschedules last, and which of Cal.com's uids belong to which chain.

CREATE TABLE chains (
    org_id text COLLATE "C" NOT NULL,
    chain_id text COLLATE "C" NOT NULL, -- the uid of its first booking
    sequence integer NOT NULL CHECK (sequence >= 1), -- of its latest event
    last_event_id text COLLATE "C" NOT NULL,
    snapshot json NOT NULL, -- as text: jsonb would write its numbers in another way than they were told
    fingerprint text COLLATE "C" NOT NULL, -- of the snapshot
    PRIMARY KEY (org_id, chain_id)
);

-- A uid that has a chain keeps it.
CREATE TABLE aliases (
    org_id text COLLATE "C" NOT NULL,
    uid text COLLATE "C" NOT NULL,
    chain_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (org_id, uid),
    FOREIGN KEY (org_id, chain_id) REFERENCES chains ON DELETE CASCADE
);
CREATE INDEX aliases_of_chain ON aliases (org_id, chain_id);
