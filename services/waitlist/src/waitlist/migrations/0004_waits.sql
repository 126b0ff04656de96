-- How long others waited, for those who wait now: from which place an entry started, and who became a booking lately.

ALTER TABLE entries ADD COLUMN first_position integer; -- its place when it joined

CREATE INDEX entries_converted ON entries (org_id, coalesce(location_id, event_instance_id), updated_at DESC)
    WHERE status = 'converted' AND first_position IS NOT NULL;
