-- Who wrote an entry's notes: the guest is shown none but the guest's own. Of those that are there it is not known.

ALTER TABLE entries ADD COLUMN notes_by text COLLATE "C" CHECK (notes_by IN ('client', 'staff', 'system'));
