-- How a subscription is proven to be ours, beyond its one secret: secrets that were rotated away, and what its endpoint
-- asks of whoever calls it.

ALTER TABLE subscriptions
    ADD COLUMN old_secrets bytea, -- sealed JSON: rotated secrets that sign for a while yet, the newest first
    ADD COLUMN auth bytea; -- sealed JSON: a client certificate with its key, or the credentials for OAuth tokens
