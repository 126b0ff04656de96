-- Whether a hold that was given back was that of an offer, however many offers there have been.
CREATE INDEX offers_of_hold ON offers (org_id, hold_id) WHERE hold_id IS NOT NULL;

-- How often a policy has changed, and up to which change what was let pass there may be offered once more for it.
ALTER TABLE policies ADD COLUMN changes integer NOT NULL DEFAULT 0, ADD COLUMN reopened integer NOT NULL DEFAULT 0;
