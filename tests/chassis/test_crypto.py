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
