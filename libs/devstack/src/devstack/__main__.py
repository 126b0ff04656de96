"""`python -m devstack` is the command `slotwire`."""

from devstack.cli import app

app(prog_name="slotwire")
