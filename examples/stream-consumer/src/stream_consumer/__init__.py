"""An example of a consumer: a board of who comes and who waits, kept from Slotwire's topics.

It stands on `slotwire_contracts` and on aiokafka, and on nothing else of Slotwire's.
"""
