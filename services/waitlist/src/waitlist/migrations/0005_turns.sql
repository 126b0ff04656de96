-- Each organization's own next queues, so that they take turns; and who of them is at work.

CREATE INDEX queues_next_of_org ON queues (org_id, coalesce(held_until, due_at));
CREATE INDEX queues_held_of_org ON queues (org_id) WHERE held_by IS NOT NULL;
