-- A subscription's own rate limit: attempts a second; null for none.
ALTER TABLE subscriptions ADD COLUMN rate_limit double precision CHECK (rate_limit > 0);
