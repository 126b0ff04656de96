"""What a caller is told of flaws."""

import pytest

from booking.domain.errors import Flaw, Flaws, ValidationFailedError


def test_the_first_flaw_is_the_message_and_all_are_details() -> None:
    flaws = Flaws()
    flaws.add("a", "must be b", "b")
    with flaws.gathered():
        raise ValidationFailedError(Flaw("c", "must be d", "d"), Flaw("e", "must be f", "f"))
    flaws.add_unknown("event_type_id", "event type")
    with pytest.raises(ValidationFailedError) as refused:
        flaws.tell()
    assert (refused.value.message, refused.value.param) == ("a: must be b", "a")
    assert refused.value.details == {
        "errors": [
            {"param": "a", "message": "must be b", "rule": "b"},
            {"param": "c", "message": "must be d", "rule": "d"},
            {"param": "e", "message": "must be f", "rule": "f"},
            {
                "param": "event_type_id",
                "message": "must be the id of an event type; there is none with this id",
                "rule": "unknown",
            },
        ]
    }


def test_without_flaws_there_is_nothing_to_tell() -> None:
    flaws = Flaws()
    with flaws.gathered():
        pass
    flaws.tell()


def test_what_is_no_flaw_passes_through() -> None:
    with pytest.raises(ZeroDivisionError), Flaws().gathered():
        raise ZeroDivisionError
