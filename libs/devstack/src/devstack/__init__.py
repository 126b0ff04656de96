"""Slotwire."""
