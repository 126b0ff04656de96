"""The waitlist: who waits for a table or for a spot, and whose turn it is.

Invariant: what can be booked is the booking service's to say; it is asked, and what it said is never kept as truth.
"""
