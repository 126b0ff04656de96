"""Conditions of lists as SQL.

Invariant: what is None filters nothing; the parameters are numbered in the order of the conditions.
"""

Condition = tuple[str, object]
"""A column with its comparison, `start_time >=`, and the value to compare with."""


def joined(*asked: Condition, first: int = 1) -> tuple[str, list[object]]:
    """Answer a WHERE clause and the values of its parameters.

    Args:
        asked: the conditions, all of which are to hold.
        first: the number of the first parameter.
    """
    given = [(condition, value) for condition, value in asked if value is not None]
    where = " AND ".join(f"{condition} ${number}" for number, (condition, _) in enumerate(given, first))
    return where, [value for _, value in given]
