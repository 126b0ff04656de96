"""The chaos ledger: the whole system under load and faults, and a checker that compares what was told with what is.

Invariant: the load and the faults know nothing of the checks, and the checks nothing of how a run was made: between
them stands `chaos.evidence` alone.
"""
