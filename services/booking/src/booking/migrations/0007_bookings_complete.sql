ALTER TABLE bookings
    ADD COLUMN event_instance_id text COLLATE "C",
    ADD COLUMN tables_chosen boolean NOT NULL DEFAULT false, -- by staff, rather than found for the party
    ADD COLUMN one_per_attendee boolean NOT NULL DEFAULT false, -- kept from the place at creation
    ADD COLUMN complete_after_minutes integer, -- as one_per_attendee
    ADD COLUMN confirmed_at timestamptz, -- when it got beyond PENDING
    -- Whose and which slot it is, while the booking is active and its place gives an attendee one booking a slot.
    ADD COLUMN attendee_slot text COLLATE "C",
    -- When it completes by itself.
    ADD COLUMN complete_at timestamptz,
    -- The transaction that wrote it last: a list in this order skips nothing, as it ends before the oldest transaction
    -- that is still running.
    ADD COLUMN written bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    DROP CONSTRAINT bookings_check1,
    ADD CONSTRAINT bookings_have_a_place CHECK (num_nonnulls(schedule_id, location_id, event_instance_id) >= 1);

-- Until now what was found was always one table.
UPDATE bookings SET tables_chosen = true WHERE location_id IS NOT NULL AND cardinality(table_ids) <> 1;

CREATE UNIQUE INDEX bookings_one_per_attendee ON bookings (org_id, attendee_slot) WHERE attendee_slot IS NOT NULL;
CREATE INDEX bookings_to_complete ON bookings (complete_at) WHERE complete_at IS NOT NULL;
CREATE INDEX bookings_of_instance ON bookings (event_instance_id, id) WHERE event_instance_id IS NOT NULL;
CREATE INDEX bookings_of_location ON bookings (location_id, start_time) WHERE location_id IS NOT NULL;
CREATE INDEX bookings_as_written ON bookings (org_id, written, id);
CREATE INDEX bookings_by_update ON bookings (org_id, updated_at);
