"""Devstack: the command `slotwire`, which runs everything on one machine and shows what happens in it."""
