-- Chains that could not be taken as Cal.com has them when they were read last, and how long they are left alone then.

ALTER TABLE chains
    ADD COLUMN untaken text COLLATE "C", -- what became of it; NULL: it was taken
    ADD COLUMN failures integer NOT NULL DEFAULT 0, -- how often in a row
    ADD COLUMN try_at timestamptz, -- nobody who reads what changed asks for it before
    ADD CHECK ((untaken IS NULL) = (failures = 0)),
    ADD CHECK ((untaken IS NULL) = (try_at IS NULL));
CREATE INDEX chains_untaken ON chains (org_id) WHERE untaken IS NOT NULL;
