-- What restaurants, clinics and studios need beside a first schedule and table. A deleted row stays, marked: bookings
-- that were made with it can be shown and told of for good.

ALTER TABLE locations
    ADD COLUMN weekly_hours jsonb, -- NULL: open at any time
    ADD COLUMN date_overrides jsonb NOT NULL DEFAULT '{}', -- hours of single dates, instead of the weekly ones
    ADD COLUMN visit_minutes integer NOT NULL DEFAULT 90 CHECK (visit_minutes BETWEEN 1 AND 44640),
    ADD COLUMN interval_minutes integer NOT NULL DEFAULT 15 CHECK (interval_minutes BETWEEN 1 AND 1440),
    ADD COLUMN one_per_attendee boolean NOT NULL DEFAULT true,
    ADD COLUMN complete_after_minutes integer CHECK (complete_after_minutes >= 0), -- NULL: staff complete by hand
    ADD COLUMN sequence integer NOT NULL DEFAULT 0, -- of its latest event
    ADD COLUMN last_event_id text COLLATE "C",
    ADD COLUMN deleted_at timestamptz;

CREATE TABLE sections (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    location_id text COLLATE "C" NOT NULL REFERENCES locations,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX sections_of_org ON sections (org_id, created_at, id);
CREATE INDEX sections_of_location ON sections (location_id);

ALTER TABLE tables
    ADD COLUMN section_id text COLLATE "C" REFERENCES sections,
    ADD COLUMN combinable boolean NOT NULL DEFAULT false, -- with others of its section, or of none as it
    ADD COLUMN sequence integer NOT NULL DEFAULT 0,
    ADD COLUMN last_event_id text COLLATE "C",
    ADD COLUMN deleted_at timestamptz;

ALTER TABLE schedules
    ADD COLUMN date_overrides jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN max_bookings_per_day integer CHECK (max_bookings_per_day >= 1), -- NULL: as many as fit
    ADD COLUMN max_bookings_per_minute integer CHECK (max_bookings_per_minute >= 1), -- made, whenever they are to be
    ADD COLUMN one_per_attendee boolean NOT NULL DEFAULT true,
    ADD COLUMN complete_after_minutes integer DEFAULT 60 CHECK (complete_after_minutes >= 0),
    ADD COLUMN deleted_at timestamptz;

-- A row for each schedule with limits. Whoever makes or moves a booking there holds its lock, so that what is counted
-- under it stays true until the booking is committed.
CREATE TABLE gates (
    schedule_id text COLLATE "C" PRIMARY KEY,
    recent timestamptz[] NOT NULL -- when bookings were made within the last minute
);

ALTER TABLE event_types
    ADD COLUMN durations_minutes integer[], -- the lengths that may be booked; NULL: any
    ADD COLUMN interval_minutes integer CHECK (interval_minutes BETWEEN 1 AND 44640), -- NULL: a start may be anywhere
    ADD COLUMN minimum_notice_minutes integer NOT NULL DEFAULT 0 CHECK (minimum_notice_minutes >= 0),
    ADD COLUMN horizon_days integer CHECK (horizon_days >= 1), -- how far ahead it may be booked; NULL: at any time
    ADD COLUMN deleted_at timestamptz;

CREATE TABLE clients (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    phone text,
    timezone text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX clients_of_org ON clients (org_id, created_at, id);
