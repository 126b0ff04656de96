"""Runs of places: what follows each other is one run, and what is left out ends it."""

from webhook_dispatcher.domain.arrival import Place, Run, runs


def test_places_are_joined_in_each_partition() -> None:
    places = [("b", 0, 5), ("a", 1, 8), ("a", 0, 3), ("a", 0, 1), ("a", 0, 2), ("a", 0, 2), ("a", 0, 7), ("b", 0, 6)]
    assert runs(Place(*place) for place in places) == [
        Run("a", 0, 1, 4),
        Run("a", 0, 7, 8),
        Run("a", 1, 8, 9),
        Run("b", 0, 5, 7),
    ]
    assert runs([]) == []
