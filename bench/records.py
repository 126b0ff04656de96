"""Records for the relay and its reference: an event's size, each of a resource of its own.

Invariant: the same numbers give the same records.
"""


def records(count: int, value_bytes: int) -> list[tuple[str, bytes, bytes]]:
    """Make so many records: event id, key, and a value of so many bytes."""
    filling = b"x" * (value_bytes - 26)
    return [
        (f"evt_{number:026d}", b"bk_%026d" % number, b"%026d%b" % (number, filling)) for number in range(1, count + 1)
    ]
