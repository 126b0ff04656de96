-- Who wrote an entry's notes: the guest is shown none but the guest's own. Of those that are there it is not known.

ALTER TABLE entries ADD COLUMN notes_by text COLLATE "C" CHECK (notes_by IN ('client', 'staff', 'system'));

-- With which Idempotency-Key staff asked for an offer: it may go live long after they were answered that it was not known.
ALTER TABLE offers
    ADD COLUMN once_scope bytea,
    ADD COLUMN once_fingerprint bytea,
    ADD CHECK ((once_scope IS NULL) = (once_fingerprint IS NULL));
CREATE INDEX offers_by_key ON offers (once_scope, id) WHERE once_scope IS NOT NULL;

-- The trace context of the request behind what is carried out later.
ALTER TABLE offers ADD COLUMN traceparent text;
ALTER TABLE conversions ADD COLUMN traceparent text;
