-- Whether a hold that was given back was that of an offer, however many offers there have been.
CREATE INDEX offers_of_hold ON offers (org_id, hold_id) WHERE hold_id IS NOT NULL;
