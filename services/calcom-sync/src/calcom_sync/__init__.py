"""Cal.com sync: reads an organization's bookings at Cal.com, and tells booking of whatever differs from what it knew.

Invariant: Cal.com's bookings are Cal.com's to decide; what is told of one is what Cal.com said, and never less than all
of it.
"""
