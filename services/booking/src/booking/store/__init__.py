"""All SQL of the booking service.

Functions take the caller's connection and join its transaction, if it has one; none opens or ends a transaction.
"""
