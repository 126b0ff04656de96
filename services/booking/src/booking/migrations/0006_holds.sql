-- A short claim that blocks as a booking does. Its row goes when it is released, has expired or became a booking.
CREATE TABLE holds (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    client_id text COLLATE "C", -- whose key made it, when that was a client's
    schedule_id text COLLATE "C",
    location_id text COLLATE "C",
    event_type_id text COLLATE "C",
    event_instance_id text COLLATE "C",
    table_ids text[] NOT NULL,
    tables_chosen boolean NOT NULL, -- by staff, rather than found for the party
    party_size integer NOT NULL CHECK (party_size >= 1),
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    CHECK (end_time > start_time)
);
CREATE INDEX holds_by_expiry ON holds (expires_at);
CREATE INDEX holds_of_schedule ON holds (schedule_id, start_time) WHERE schedule_id IS NOT NULL;

-- What is past its expiry is as good as free, whether or not its row is gone yet.
ALTER TABLE occupancy
    ALTER COLUMN booking_id DROP NOT NULL,
    ADD COLUMN hold_id text COLLATE "C", -- or the id of the deleted schedule or table that nobody is to have any more
    ADD COLUMN expires_at timestamptz,
    ADD CONSTRAINT occupancy_has_one_holder CHECK (num_nonnulls(booking_id, hold_id) = 1),
    ADD CONSTRAINT occupancy_expires_with_a_hold CHECK (expires_at IS NULL OR hold_id IS NOT NULL);
CREATE INDEX occupancy_of_hold ON occupancy (hold_id) WHERE hold_id IS NOT NULL;
