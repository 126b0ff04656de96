"""All SQL of the service. Functions take the caller's connection, and so join its transaction.

Invariant: every statement names the organization, but for those that look for work, whoever's it is.
"""
