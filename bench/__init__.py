"""The benchmark: what the services cost beside bare references, on one machine, in one run (`make bench`).

Owns its own servers in a temporary folder. Invariants: durability is never traded (fsync and synchronous_commit are
checked to be on); a service and its reference take turns in short rounds, so that the machine's noise meets both; what
is started here is gone when the run ends, however it ends.
"""
