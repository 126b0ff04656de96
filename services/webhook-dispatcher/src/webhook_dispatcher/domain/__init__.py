"""The rules of webhooks: pure functions and frozen values, with no I/O and no clock of their own."""
