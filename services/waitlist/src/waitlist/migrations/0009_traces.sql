-- The trace context of what marked a queue last: what the look at it brings about follows from that.

ALTER TABLE queues ADD COLUMN traceparent text;
