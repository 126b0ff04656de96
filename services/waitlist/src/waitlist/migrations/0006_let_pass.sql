-- Who lets a place pass for good is offered it again only when there is a new reason: until then it stays passed.

ALTER TABLE offers ADD COLUMN reopened boolean NOT NULL DEFAULT false;
-- whether since it was made something fell free there, or its entry or the policy changed
