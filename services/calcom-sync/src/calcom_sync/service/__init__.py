"""The use cases: the order of steps, and the transactions in which they happen."""
