-- Order by resource: of a subscription that wants it, the events of one resource are sent one at a time.

ALTER TABLE subscriptions
    ADD COLUMN ordering text NOT NULL DEFAULT 'none' CHECK (ordering IN ('none', 'resource'));

-- Null where no order is kept; else whether it waits for an earlier one of its resource.
ALTER TABLE deliveries
    ADD COLUMN awaits_turn boolean,
    ADD CHECK (awaits_turn IS NOT TRUE OR leased_by IS NULL);

-- What waits for its turn is not claimed, and is not to be walked past by whoever claims.
DROP INDEX deliveries_waiting;
CREATE INDEX deliveries_waiting ON deliveries (subscription_id, retrying, due_at)
    WHERE state = 'pending' AND leased_by IS NULL AND awaits_turn IS NOT TRUE;
CREATE INDEX deliveries_awaiting_turn ON deliveries (subscription_id) WHERE state = 'pending' AND awaits_turn;

-- The pending deliveries whose order is kept, by resource. Of each resource one has its turn, and all others wait.
CREATE TABLE turns (
    delivery_id text COLLATE "C" PRIMARY KEY,
    subscription_id text COLLATE "C" NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    sequence integer NOT NULL, -- of the event
    is_on boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX turns_in_order ON turns (subscription_id, resource_id, sequence, delivery_id);
CREATE UNIQUE INDEX turns_one_at_a_time ON turns (subscription_id, resource_id) WHERE is_on;
