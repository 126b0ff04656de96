"""Chassis: the mechanism every Slotwire service stands on; of the business it knows the names of scopes alone.

Owns settings, logs, the life of a process, the Postgres pool, migrations, the transactional outbox and its relay,
Kafka, the consumer loop and the inbox, daily partitions, API keys, and the web application. Services import it; of ours
it imports contracts only.
"""
