"""What is sealed opens only with its key, in its place, unchanged."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.crypto import Sealer, SealError

KEY = secrets.token_bytes(32)


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_what_is_sealed_opens(plain: bytes, context: bytes) -> None:
    sealed = Sealer(KEY).seal(plain, context=context)

    assert Sealer(KEY).open(sealed, context=context) == plain
    assert plain == b"" or plain not in sealed or len(plain) < 4


@pytest.mark.parametrize(
    ("key", "context", "flip"),
    [
        pytest.param(secrets.token_bytes(32), b"here", None, id="another key"),
        pytest.param(KEY, b"there", None, id="another context"),
        pytest.param(KEY, b"here", 0, id="a changed nonce"),
        pytest.param(KEY, b"here", -1, id="a changed tag"),
    ],
)
def test_anything_else_is_refused(key: bytes, context: bytes, flip: int | None) -> None:
    sealed = bytearray(Sealer(KEY).seal(b"a secret", context=b"here"))
    if flip is not None:
        sealed[flip] ^= 1

    with pytest.raises(SealError):
        Sealer(key).open(bytes(sealed), context=context)


def test_a_cut_value_is_refused() -> None:
    with pytest.raises(SealError):
        Sealer(KEY).open(b"short", context=b"")


def test_an_old_key_opens_what_it_sealed_and_seals_nothing() -> None:
    old, older = secrets.token_bytes(32), secrets.token_bytes(32)
    rotated = Sealer(KEY, old, older)
    for key in (old, older):
        sealed = Sealer(key).seal(b"a secret", context=b"here")
        assert rotated.open(sealed, context=b"here") == b"a secret"
        anew = rotated.renew(sealed, context=b"here")
        assert anew is not None
        assert Sealer(KEY).open(anew, context=b"here") == b"a secret"
        with pytest.raises(SealError):
            rotated.renew(sealed, context=b"there")
    with pytest.raises(SealError):
        Sealer(old).open(rotated.seal(b"a secret", context=b"here"), context=b"here")


def test_what_the_present_key_sealed_is_left_alone() -> None:
    sealed = Sealer(KEY).seal(b"a secret", context=b"here")

    assert Sealer(KEY, secrets.token_bytes(32)).renew(sealed, context=b"here") is None
