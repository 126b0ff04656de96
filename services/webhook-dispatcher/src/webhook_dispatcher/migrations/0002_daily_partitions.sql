-- Events, deliveries and attempts in partitions of a day, so that age is dropped and nothing is deleted.
--
-- The ids sort by the time of their event, so they are the partition key, and a partition's bounds are the least ids
-- of a day and of the next: the primary keys stay as they are, over all partitions. The three tables always have
-- partitions of the same days. From here on chassis makes them (chassis/partitions.py); only what was there before is
-- laid out here.

-- The events that were taken in, each with its record: the row is written in the transaction of the event's deliveries,
-- and a record that comes again finds it. What travels on the topics as bookkeeping is here too, matched with nothing.
CREATE TABLE events (
    event_id text COLLATE "C" PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    type text NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    sequence integer NOT NULL, -- counts the resource's events without a gap
    topic text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    record bytea NOT NULL,
    matched integer NOT NULL, -- with so many subscriptions; it has as many deliveries
    received_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (event_id);
-- What the ledger asks, answered without the records.
CREATE INDEX events_by_organization ON events (org_id, event_id) INCLUDE (resource_id, sequence, matched);

-- What was taken in, counted in the same transaction: what is missing from the tables later shows against it.
CREATE TABLE tallies (
    day date NOT NULL, -- of the events' ids
    topic text NOT NULL,
    partition integer NOT NULL,
    events bigint NOT NULL,
    deliveries bigint NOT NULL,
    PRIMARY KEY (day, topic, partition)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Behind the last record of each partition that left a trace: an event, or a dead letter.
CREATE TABLE consumed (
    topic text NOT NULL,
    partition integer NOT NULL,
    next bigint NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Records that were passed over without a trace, from `first` to before `next`; a range that was read after all is
-- empty.
CREATE TABLE gaps (
    topic text NOT NULL,
    partition integer NOT NULL,
    first bigint NOT NULL,
    next bigint NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, next)
);

ALTER TABLE deliveries RENAME TO unpartitioned_deliveries;
ALTER TABLE attempts RENAME TO unpartitioned_attempts;
ALTER TABLE unpartitioned_deliveries RENAME CONSTRAINT deliveries_pkey TO unpartitioned_deliveries_pkey;
ALTER TABLE unpartitioned_attempts RENAME CONSTRAINT attempts_pkey TO unpartitioned_attempts_pkey;
ALTER INDEX deliveries_waiting RENAME TO unpartitioned_deliveries_waiting;
ALTER INDEX deliveries_leased RENAME TO unpartitioned_deliveries_leased;
ALTER INDEX deliveries_by_subscription RENAME TO unpartitioned_deliveries_by_subscription;

CREATE TABLE deliveries (
    LIKE unpartitioned_deliveries INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX deliveries_waiting ON deliveries (subscription_id, retrying, due_at)
    WHERE state = 'pending' AND leased_by IS NULL;
CREATE INDEX deliveries_leased ON deliveries (leased_by)
    WHERE state = 'pending' AND leased_by IS NOT NULL;
CREATE INDEX deliveries_by_subscription ON deliveries (subscription_id, id);

CREATE TABLE attempts (
    LIKE unpartitioned_attempts INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    PRIMARY KEY (delivery_id, number)
) PARTITION BY RANGE (delivery_id);

-- The first ten digits of an id, behind its prefix, are milliseconds since 1970 in Crockford's base32.
CREATE FUNCTION pg_temp.instant_of(id text) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT to_timestamp(sum(
        (strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(split_part(id, '_', 2), place, 1)) - 1)
        * 32::numeric ^ (10 - place)
    )::float8 / 1000)
    FROM generate_series(1, 10) AS place
$$;
CREATE FUNCTION pg_temp.least_id(prefix text, day date) RETURNS text LANGUAGE sql AS $$
    SELECT prefix || '_' || string_agg(
        substr(
            '0123456789abcdefghjkmnpqrstvwxyz',
            ((extract(epoch FROM day)::bigint * 1000 >> (5 * (10 - place))) & 31)::int + 1,
            1
        ),
        '' ORDER BY place
    ) || repeat('0', 16)
    FROM generate_series(1, 10) AS place
$$;

DO $$
DECLARE
    day date;
    parent text;
    prefix text;
    options text; -- as they are given to the days that are made later
BEGIN
    FOR day IN
        SELECT DISTINCT (pg_temp.instant_of(id) AT TIME ZONE 'UTC')::date
        FROM (SELECT id FROM unpartitioned_deliveries UNION ALL SELECT event_id FROM inbox) AS known (id)
    LOOP
        FOR parent, prefix, options IN VALUES
            ('events', 'evt', 'autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0'),
            (
                'deliveries',
                'dlv',
                'fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, '
                'autovacuum_analyze_scale_factor = 0.05, '
                'autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0'
            ),
            ('attempts', 'dlv', 'autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0')
        LOOP
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (%s)',
                parent || to_char(day, '_YYYYMMDD'),
                parent,
                pg_temp.least_id(prefix, day),
                pg_temp.least_id(prefix, day + 1),
                options
            );
        END LOOP;
    END LOOP;
END
$$;

INSERT INTO deliveries SELECT * FROM unpartitioned_deliveries;
INSERT INTO attempts SELECT * FROM unpartitioned_attempts;
INSERT INTO events (
    event_id, org_id, type, resource_id, sequence, topic, partition, position, record, matched, received_at
)
SELECT
    event_id, event ->> 'orgid', event ->> 'type', event ->> 'subject', (event ->> 'sequence')::int,
    topic, partition, position, record, coalesce(made.deliveries, 0), received_at
FROM inbox
CROSS JOIN LATERAL (SELECT convert_from(record, 'UTF8')::json) AS read (event)
LEFT JOIN (SELECT event_id, count(*) AS deliveries FROM deliveries GROUP BY event_id) AS made USING (event_id);
INSERT INTO tallies (day, topic, partition, events, deliveries)
SELECT (pg_temp.instant_of(event_id) AT TIME ZONE 'UTC')::date, topic, partition, count(*), sum(matched)
FROM events
GROUP BY 1, 2, 3;

DROP TABLE unpartitioned_deliveries, unpartitioned_attempts;
TRUNCATE inbox; -- this service claims in `events`
