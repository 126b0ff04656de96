-- The trace context of what first marked a queue since it was last taken: what the look at it brings about follows from that.

ALTER TABLE queues ADD COLUMN traceparent text;
