"""Kafka: the one package that speaks aiokafka.

Invariant: a producer made here is idempotent with acks=all, so an awaited acknowledgement means that the record is in
the log, once and in its place; of a record that it had to give up the acknowledgement raises. A consumer made here
commits only what its owner says is done, and never moves its group back, unless its owner knows of less; a reader of
stretches belongs to no group and commits nothing.
"""

from chassis.kafka.consumer import Consumer
from chassis.kafka.producer import BATCH_BYTES, TOO_LARGE, Producer
from chassis.kafka.reader import LogReader, Stretch
from chassis.kafka.records import KafkaError, Partition, Record, ends
from chassis.kafka.topics import answers, batch_limit, ensure_topics

__all__ = [
    "BATCH_BYTES",
    "TOO_LARGE",
    "Consumer",
    "KafkaError",
    "LogReader",
    "Partition",
    "Producer",
    "Record",
    "Stretch",
    "answers",
    "batch_limit",
    "ends",
    "ensure_topics",
]
