-- Who lets a place pass for good is offered it again only when there is a new reason: until then it stays passed.

ALTER TABLE offers ADD COLUMN reopened boolean NOT NULL DEFAULT false;
-- whether since it was made something fell free there, or its entry or the policy changed

-- What booking would not give an entry for another reason than that it is taken, so that it can be told why.

CREATE TABLE refusals (
    entry_id text COLLATE "C" NOT NULL REFERENCES entries (id),
    start_time timestamptz NOT NULL, -- of the place that was asked for
    end_time timestamptz NOT NULL,
    org_id text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL, -- the entry's
    code text NOT NULL, -- booking's
    message text NOT NULL,
    refused_at timestamptz NOT NULL,
    PRIMARY KEY (entry_id, start_time)
);
CREATE INDEX refusals_of_queue ON refusals (org_id, queue);
