"""Refusals: a caller is told of everything that is wrong at once."""

import pytest

from webhook_dispatcher.domain.errors import Flaw, Flaws, ValidationFailedError

URL, FIRST, SECOND = (
    Flaw("url", "must lead on", "a"),
    Flaw("retry.0", "must be 1", "b"),
    Flaw("retry.1", "must be 2", "c"),
)


def test_flaws_are_told_together_under_the_words_of_the_first() -> None:
    flaws = Flaws()
    for found in ([URL], [FIRST, SECOND]):
        with flaws.gathered():
            raise ValidationFailedError(*found)
    with pytest.raises(ValidationFailedError) as caught:
        flaws.tell()
    assert (caught.value.code, caught.value.param) == ("validation_failed", "url")
    assert caught.value.message == str(caught.value) == "url: must lead on"
    assert caught.value.details == {
        "errors": [
            {"param": "url", "message": "must lead on", "rule": "a"},
            {"param": "retry.0", "message": "must be 1", "rule": "b"},
            {"param": "retry.1", "message": "must be 2", "rule": "c"},
        ]
    }


def test_where_nothing_is_wrong_nothing_is_told() -> None:
    flaws = Flaws()
    with flaws.gathered():
        pass
    flaws.tell()


def test_what_is_no_flaw_is_not_kept_back() -> None:
    with pytest.raises(KeyError), Flaws().gathered():
        raise KeyError
