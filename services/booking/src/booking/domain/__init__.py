"""The rules of booking, pure: given values they answer values or raise a `BookingError`; nothing here does I/O."""
