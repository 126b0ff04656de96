-- With which idempotency key a run was asked for, so that who sends the request again waits for the same run.

ALTER TABLE runs
    ADD COLUMN key_scope bytea, -- NULL: with none, or one that is good no more
    ADD COLUMN key_fingerprint bytea, -- of the request's body
    ADD CHECK ((key_scope IS NULL) = (key_fingerprint IS NULL));
CREATE UNIQUE INDEX runs_by_key ON runs (key_scope) WHERE state <> 'failed';
