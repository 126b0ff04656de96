-- An entry of the waitlist becomes one booking, however often and however late it is asked for.

CREATE UNIQUE INDEX history_one_of_entry ON history (org_id, (data ->> 'waitlist_entry_id'))
    WHERE type = 'reservation.created' AND data ->> 'waitlist_entry_id' IS NOT NULL;
