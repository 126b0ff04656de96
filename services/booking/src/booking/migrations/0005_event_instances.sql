-- Classes and events (seed 002): a service, its dated occurrences, and who has a spot in one.

CREATE TABLE services (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    service_type text COLLATE "C" NOT NULL CHECK (service_type IN ('event', 'appointment')),
    description text,
    location_id text COLLATE "C" REFERENCES locations,
    timezone text NOT NULL,
    duration_minutes integer NOT NULL CHECK (duration_minutes BETWEEN 1 AND 44640),
    max_attendance integer NOT NULL CHECK (max_attendance BETWEEN 1 AND 100000),
    requires_confirmation boolean NOT NULL,
    complete_after_minutes integer CHECK (complete_after_minutes >= 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX services_of_org ON services (org_id, created_at, id);

CREATE TABLE event_instances (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    service_id text COLLATE "C" NOT NULL REFERENCES services,
    location_id text COLLATE "C" REFERENCES locations,
    title text NOT NULL,
    timezone text NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    max_attendance integer NOT NULL CHECK (max_attendance BETWEEN 1 AND 100000),
    attendance integer NOT NULL DEFAULT 0, -- the spots taken, kept by the trigger on spots
    status text COLLATE "C" NOT NULL CHECK (status IN ('scheduled', 'cancelled')),
    sequence integer NOT NULL DEFAULT 0,
    last_event_id text COLLATE "C",
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (end_time > start_time),
    CONSTRAINT event_instances_never_overfull CHECK (attendance BETWEEN 0 AND max_attendance)
);
CREATE INDEX event_instances_by_start ON event_instances (org_id, start_time, id);
CREATE INDEX event_instances_of_service ON event_instances (service_id, start_time, id);

-- Who has how many spots of an instance: a booking, or a hold until it expires.
CREATE TABLE spots (
    instance_id text COLLATE "C" NOT NULL,
    booking_id text COLLATE "C" UNIQUE,
    hold_id text COLLATE "C" UNIQUE,
    spots integer NOT NULL CHECK (spots >= 1),
    expires_at timestamptz,
    CHECK (num_nonnulls(booking_id, hold_id) = 1),
    CHECK ((hold_id IS NULL) = (expires_at IS NULL))
);
CREATE INDEX spots_of_instance ON spots (instance_id);

-- Counting in the instance's own row makes those who race for its spots queue up there, and the row's CHECK refuses
-- the one that would be too many.
CREATE FUNCTION count_spots() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE event_instances SET attendance = attendance - OLD.spots WHERE id = OLD.instance_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        UPDATE event_instances SET attendance = attendance + NEW.spots WHERE id = NEW.instance_id;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER spots_are_counted
AFTER INSERT OR UPDATE OR DELETE ON spots
FOR EACH ROW EXECUTE FUNCTION count_spots();
