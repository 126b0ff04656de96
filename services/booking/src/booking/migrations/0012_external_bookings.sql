-- Bookings that were made elsewhere and stand here as they stand there (architecture.md section 8).

ALTER TABLE bookings
    ADD COLUMN external_provider text COLLATE "C", -- NULL: made here
    ADD COLUMN external_uid text COLLATE "C", -- the id that it has there now
    ADD COLUMN times_editable boolean NOT NULL DEFAULT true, -- whether its times may be changed here
    ADD COLUMN conflict boolean NOT NULL DEFAULT false, -- its time was taken: it occupies nothing
    ADD CONSTRAINT bookings_from_elsewhere CHECK ((external_provider IS NULL) = (external_uid IS NULL)),
    ADD CONSTRAINT bookings_in_conflict_are_from_elsewhere CHECK (NOT conflict OR external_provider IS NOT NULL);

-- What waits for its time to fall free. One that has completed waits no more.
CREATE INDEX bookings_in_conflict ON bookings (schedule_id, end_time) WHERE conflict AND status <> 'COMPLETED';

-- What is kept under one id for good although it may get other ids where it was made: in Cal.com a chain of reschedules.
-- Whoever applies news of it holds the lock of its row, so that its news and its answers stay in their order.
CREATE TABLE external_bookings (
    org_id text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    chain_id text COLLATE "C" NOT NULL,
    booking_id text COLLATE "C" UNIQUE, -- NULL: nothing that came of it could be a booking
    sequence integer NOT NULL DEFAULT 0, -- of the latest snapshot
    metadata_keys text[] NOT NULL DEFAULT '{}', -- of the booking's metadata, those that came with it
    answers integer NOT NULL DEFAULT 0, -- how many it was answered with
    last_answer_id text COLLATE "C", -- the next one's is greater
    last_answer_at timestamptz, -- the next one's is not before
    PRIMARY KEY (org_id, provider, chain_id)
);
