"""All SQL of the dispatcher.

Functions take the caller's connection and join its transaction, if it has one; none opens or ends a transaction.
"""
