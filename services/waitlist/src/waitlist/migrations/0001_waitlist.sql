-- Who waits for what. An entry that waits no more stays: it can be shown, and tells how long others waited.

CREATE TABLE entries (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL, -- of an event instance, or of a location on a date
    location_id text COLLATE "C",
    requested_date date, -- at the location
    event_instance_id text COLLATE "C",
    client_id text COLLATE "C",
    contact_name text,
    contact_email text,
    contact_phone text,
    party_size integer NOT NULL CHECK (party_size >= 1),
    preferred_start text, -- as it was asked for
    preferred_end text,
    window_start timestamptz, -- the instants that these stand for; NULL: as the place opens and closes
    window_end timestamptz,
    priority integer NOT NULL,
    notes text,
    source_name text,
    channel text,
    time_zone text,
    matter_uid text,
    initiator text COLLATE "C" NOT NULL CHECK (initiator IN ('client', 'staff', 'system')),
    status text COLLATE "C" NOT NULL CHECK (status IN ('waiting', 'notified', 'converted', 'expired', 'removed')),
    booking_id text COLLATE "C",
    joined_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL,
    sequence integer NOT NULL, -- of its latest event
    last_event_id text COLLATE "C" NOT NULL,
    CHECK ((event_instance_id IS NULL) = (location_id IS NOT NULL AND requested_date IS NOT NULL)),
    CHECK ((event_instance_id IS NOT NULL) = (location_id IS NULL AND requested_date IS NULL)),
    CHECK (client_id IS NOT NULL OR contact_email IS NOT NULL OR contact_phone IS NOT NULL)
);

-- A queue in its order: place and turn are found without a look at any other queue.
CREATE INDEX entries_in_turn ON entries (org_id, queue, (-priority), joined_at, id)
    WHERE status IN ('waiting', 'notified');

-- A guest waits once in a queue. A client is told apart by its id, whatever contact is given; anybody else by email and
-- by phone, its digits alone.
CREATE UNIQUE INDEX entries_one_of_client ON entries (org_id, queue, client_id)
    WHERE status IN ('waiting', 'notified') AND client_id IS NOT NULL;
CREATE UNIQUE INDEX entries_one_of_email ON entries (org_id, queue, lower(contact_email))
    WHERE status IN ('waiting', 'notified') AND client_id IS NULL AND contact_email IS NOT NULL;
CREATE UNIQUE INDEX entries_one_of_phone ON entries (org_id, queue, regexp_replace(contact_phone, '[^0-9]', '', 'g'))
    WHERE status IN ('waiting', 'notified') AND client_id IS NULL AND contact_phone IS NOT NULL;

-- Lists.
CREATE INDEX entries_of_org ON entries (org_id, (-priority), joined_at, id);
CREATE INDEX entries_of_location ON entries (org_id, location_id, requested_date) WHERE location_id IS NOT NULL;
CREATE INDEX entries_of_instance ON entries (org_id, event_instance_id) WHERE event_instance_id IS NOT NULL;
CREATE INDEX entries_of_client ON entries (org_id, client_id) WHERE client_id IS NOT NULL;

-- How a location offers its tables, or a service the spots of its event instances; where there is no row, the defaults.
CREATE TABLE policies (
    org_id text COLLATE "C" NOT NULL,
    place_id text COLLATE "C" NOT NULL,
    way text COLLATE "C" NOT NULL CHECK (way IN ('offer_one', 'notify_all', 'auto_convert')),
    strict_order boolean NOT NULL,
    offer_minutes integer NOT NULL CHECK (offer_minutes >= 1),
    cutoff_minutes integer NOT NULL CHECK (cutoff_minutes >= 0),
    quiet_from time,
    quiet_to time,
    after_expiry text COLLATE "C" NOT NULL CHECK (after_expiry IN ('stay', 'leave')),
    max_entries integer CHECK (max_entries >= 1),
    CHECK ((quiet_from IS NULL) = (quiet_to IS NULL)),
    PRIMARY KEY (org_id, place_id)
);
