"""The webhook dispatcher: reads events, and delivers each to every subscription that wants it.

Invariant: every (event, subscription) is a row before the event's offset is committed, and that row ends as
delivered, exhausted or discarded with its reason, whatever process dies in between.
"""
