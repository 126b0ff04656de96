"""The load: what guests, staff, platforms and strangers ask of the system while faults are done to it.

Invariant: every request is written down with what it was told; what is random follows from the run's seed and from what
the system answers.
"""
