-- Runs that were over long ago are forgotten, a little at a time.

ALTER TABLE runs ADD COLUMN is_kept boolean NOT NULL DEFAULT true; -- false: it is being deleted, and nobody sees it
CREATE INDEX runs_by_end ON runs (ended_at) WHERE is_kept;
CREATE INDEX runs_of_webhooks_by_end ON runs (ended_at) WHERE is_kept AND kind = 'webhook';
CREATE INDEX runs_to_forget ON runs (id) WHERE NOT is_kept;
