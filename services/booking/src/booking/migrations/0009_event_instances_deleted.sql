-- An event instance that is deleted stays for the bookings that name it, as all reference data does.
ALTER TABLE event_instances ADD COLUMN deleted_at timestamptz;
