"""Faust: a member of a consumer group that ends when it is asked to, and loses nothing of what it reads.

What a service does with the records, and the tables that it keeps, are its `stream`'s. Invariants: records of a
partition are taken one after the other, and each is done with only when taking it has ended; one that cannot be taken
never stops its partition: it goes to the topic's dead letters with the reason, acknowledged before it is done with.
While a database is away, or a table's changelog not yet known, nothing is given up. Whatever rebalances come, each
record is taken, again if need be, and never after one behind it was committed.
"""

from chassis.streaming.member import Member, Part

__all__ = ["Member", "Part"]
