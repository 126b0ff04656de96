-- Of which account of Cal.com's each chain was read last: what another one does not have is not gone.

ALTER TABLE chains ADD COLUMN account text COLLATE "C"; -- NULL: it was not noted yet
