"""Ports stay as long as they stay free, and lie where no outgoing connection can take them."""

import random
import socket
from pathlib import Path

from devstack.ports import HOST, accepts, free_port, is_free, kept_ports


def test_ports_are_kept_while_free(tmp_path: Path) -> None:
    first = kept_ports(tmp_path / "ports", {"a": None, "b": None})
    assert kept_ports(tmp_path / "ports", {"a": None, "b": None}) == first


def test_a_taken_port_is_left_to_its_taker(tmp_path: Path) -> None:
    first = kept_ports(tmp_path / "ports", {"a": None, "b": None})
    with socket.create_server((HOST, first["a"])):
        assert accepts(first["a"])
        second = kept_ports(tmp_path / "ports", {"a": None, "b": None})
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


def test_the_wanted_port_comes_first_if_free(tmp_path: Path) -> None:
    wanted = free_port()
    assert kept_ports(tmp_path / "one", {"gateway": wanted}) == {"gateway": wanted}
    with socket.create_server((HOST, wanted)):
        assert not is_free(wanted)
        assert kept_ports(tmp_path / "two", {"gateway": wanted})["gateway"] != wanted


def test_no_port_is_given_twice() -> None:
    """Whoever asked first may not listen yet."""
    drawn = random.getstate()
    first = free_port()
    random.setstate(drawn)
    assert free_port() != first


def test_chosen_ports_lie_below_the_range_of_outgoing_connections() -> None:
    lowest_outgoing = 32_768  # Linux's default; other systems start higher
    assert all(free_port() < lowest_outgoing for _ in range(20))
