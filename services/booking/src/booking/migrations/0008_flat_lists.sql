-- A list by start with few matches costs the same however many bookings there are.
--
-- Each index is of one owner, then the status, then the start: a list without a status is read as one for each of
-- them. The organization comes first everywhere, so that counting needs the index alone.

DROP INDEX
    bookings_by_start,
    bookings_of_schedule,
    bookings_of_attendee,
    bookings_of_client,
    bookings_of_instance,
    bookings_of_location,
    bookings_by_update;

CREATE INDEX bookings_by_start ON bookings (org_id, status, start_time);
CREATE INDEX bookings_of_schedule ON bookings (org_id, schedule_id, status, start_time) WHERE schedule_id IS NOT NULL;
CREATE INDEX bookings_of_location ON bookings (org_id, location_id, status, start_time) WHERE location_id IS NOT NULL;
CREATE INDEX bookings_of_event_type ON bookings (org_id, event_type_id, status, start_time)
WHERE event_type_id IS NOT NULL;
CREATE INDEX bookings_of_instance ON bookings (org_id, event_instance_id, status, start_time)
WHERE event_instance_id IS NOT NULL;
CREATE INDEX bookings_of_attendee ON bookings (org_id, lower(attendee_email), status, start_time);
CREATE INDEX bookings_of_client ON bookings (org_id, client_id, status, start_time) WHERE client_id IS NOT NULL;

-- From an instant to the place in bookings_as_written where to begin.
CREATE INDEX bookings_by_update ON bookings (org_id, updated_at) INCLUDE (written);
