-- When all of an organization's bookings were read last: then a sync that is asked for needs to read only what changed.

ALTER TABLE rounds
    ADD COLUMN whole_at timestamptz, -- when that was begun; NULL: they never were
    ADD COLUMN whole_settings_at timestamptz, -- of when the settings were under which they were
    ADD CHECK ((whole_at IS NULL) = (whole_settings_at IS NULL));
