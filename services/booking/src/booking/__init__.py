"""The booking service: bookings, what they occupy, their history and their events."""
