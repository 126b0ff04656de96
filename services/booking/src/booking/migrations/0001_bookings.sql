-- Reference data: what bookings are made at, for and of. Its rows are never deleted.
--
-- No foreign key leads here from the tables that a booking is written to. Each check would lock the schedule's row
-- (FOR KEY SHARE), the hottest row there is; the ids come from a read in the same transaction, and nothing deletes.

CREATE TABLE locations (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    timezone text NOT NULL,
    auto_confirm boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX locations_of_org ON locations (org_id, created_at, id);

CREATE TABLE tables (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    location_id text COLLATE "C" NOT NULL REFERENCES locations,
    name text NOT NULL,
    min_party integer NOT NULL CHECK (min_party >= 1),
    max_party integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (max_party >= min_party)
);
CREATE INDEX tables_of_org ON tables (org_id, created_at, id);
CREATE INDEX tables_of_location ON tables (location_id);

CREATE TABLE schedules (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    timezone text NOT NULL,
    weekly_hours jsonb, -- NULL: bookings at any time
    capacity integer NOT NULL CHECK (capacity BETWEEN 1 AND 1000),
    auto_confirm boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX schedules_of_org ON schedules (org_id, created_at, id);

CREATE TABLE event_types (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    schedule_id text COLLATE "C" REFERENCES schedules,
    duration_minutes integer NOT NULL CHECK (duration_minutes > 0),
    buffer_before_minutes integer NOT NULL CHECK (buffer_before_minutes >= 0),
    buffer_after_minutes integer NOT NULL CHECK (buffer_after_minutes >= 0),
    requires_confirmation boolean, -- NULL: as the schedule or location says
    location_type text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX event_types_of_org ON event_types (org_id, created_at, id);


-- What takes time: a table, or one lane of a schedule. A lane above the schedule's capacity stays and is not offered.
CREATE TABLE resources (
    -- 29 bits at most: shifted left by 34 it must fit a bigint, see slot().
    resource_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (resource_no BETWEEN 1 AND 536870911),
    org_id text COLLATE "C" NOT NULL,
    owner_id text COLLATE "C" NOT NULL, -- a schedule's or a table's id
    lane integer NOT NULL CHECK (lane >= 1),
    UNIQUE (owner_id, lane)
);

-- A stretch of time on one resource as a range of bigints: the resource's number above, the epoch seconds below 2^34.
-- So one exclusion constraint over a built-in range guards all resources, without an extension. A time out of bounds
-- would spill into the next resource's numbers: it is an error here, whatever the caller has checked.
CREATE FUNCTION slot(resource_no integer, starts bigint, ends bigint) RETURNS int8range
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    IF resource_no < 1 OR resource_no > 536870911 THEN
        RAISE EXCEPTION 'resource number % is out of bounds', resource_no USING ERRCODE = 'numeric_value_out_of_range';
    END IF;
    -- 1970-01-02 to 2199-12-31, the last second included
    IF starts < 86400 OR ends > 7258118399 OR ends <= starts THEN
        RAISE EXCEPTION 'seconds % to % are no time that can be taken', starts, ends
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    RETURN int8range((resource_no::bigint << 34) + starts, (resource_no::bigint << 34) + ends);
END
$$;

-- Who has which resource when. The constraint is what keeps two bookings from one resource at one time, whoever races.
CREATE TABLE occupancy (
    resource_no integer NOT NULL,
    during int8range NOT NULL,
    booking_id text COLLATE "C" NOT NULL,
    CONSTRAINT occupancy_within_its_resource CHECK (
        NOT isempty(during)
        AND NOT lower_inf(during)
        AND NOT upper_inf(during)
        AND lower(during) >> 34 = resource_no
        AND (upper(during) - 1) >> 34 = resource_no
    ),
    CONSTRAINT occupancy_never_overlaps EXCLUDE USING gist (during WITH &&),
    UNIQUE (booking_id, resource_no)
);


CREATE TABLE bookings (
    id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    client_id text COLLATE "C", -- whose key made it, when that was a client's
    schedule_id text COLLATE "C",
    event_type_id text COLLATE "C",
    location_id text COLLATE "C",
    table_ids text[] NOT NULL,
    status text COLLATE "C" NOT NULL CHECK (
        status IN (
            'PENDING', 'CONFIRMED', 'CANCELLED', 'COMPLETED', 'NO_SHOW',
            'DECLINED', 'LATE', 'PARTIALLY_SEATED', 'SEATED'
        )
    ),
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    timezone text NOT NULL,
    zone text NOT NULL, -- the location's or else the schedule's: the feed tells times in it
    local_date date NOT NULL, -- of start_time in that zone, for lists by date
    title text,
    location text,
    location_type text,
    attendee_name text NOT NULL,
    attendee_email text NOT NULL,
    attendee_phone text,
    attendee_timezone text,
    attendee_notes text,
    metadata jsonb NOT NULL,
    party_size integer NOT NULL CHECK (party_size >= 1),
    source text NOT NULL,
    buffer_before_minutes integer NOT NULL,
    buffer_after_minutes integer NOT NULL,
    version integer NOT NULL,
    sequence integer NOT NULL, -- of its latest event
    last_event_id text COLLATE "C" NOT NULL,
    last_event_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (end_time > start_time),
    CHECK (schedule_id IS NOT NULL OR location_id IS NOT NULL)
);
-- One index for each way of listing; the rest of a list's filters are applied on the rows it finds.
CREATE INDEX bookings_by_start ON bookings (org_id, start_time, id);
CREATE INDEX bookings_of_schedule ON bookings (schedule_id, start_time) WHERE schedule_id IS NOT NULL;
CREATE INDEX bookings_of_attendee ON bookings (org_id, lower(attendee_email));
CREATE INDEX bookings_of_client ON bookings (org_id, client_id) WHERE client_id IS NOT NULL;


-- What happened, in order, for good. The same events are on the topic and in webhooks, under the same ids.
CREATE TABLE history (
    event_id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    booking_id text COLLATE "C" NOT NULL,
    sequence integer NOT NULL CHECK (sequence >= 1),
    type text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    data jsonb NOT NULL, -- the event's change
    actor text COLLATE "C" NOT NULL,
    UNIQUE (booking_id, sequence)
);

CREATE FUNCTION refuse_to_rewrite_history() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'history is append-only' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER history_is_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON history
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history();
