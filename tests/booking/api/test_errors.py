"""Every refusal has its status."""

from booking.api.errors import ERRORS
from booking.domain.errors import BookingError
from chassis.web.errors import STATUSES


def test_every_code_of_the_rules_has_a_status() -> None:
    codes = {refusal.code for refusal in BookingError.__subclasses__()}
    assert codes <= {*STATUSES, *ERRORS}
    assert set(ERRORS) <= codes
