"""Outbound HTTP to subscribers' endpoints, guarded."""
