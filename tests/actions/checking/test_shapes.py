"""Types that look like others."""

from bson import DatetimeMS, Int64, ObjectId

from actions.checking.rules.shapes import Shapes


def test_a_date_that_no_calendar_has_is_a_date_and_either_integer_is_one() -> None:
    user = {"_id": ObjectId(), "lastLogin": DatetimeMS(10**15)}
    accounts = [{"_id": ObjectId(), "expires_at": number} for number in (7, Int64(7), True, 7.0)]
    shapes = Shapes()
    assert list(shapes.faults("User", [user], "wrong-type")) == []
    assert [found.value for found in shapes.faults("Account", accounts, "wrong-type")] == ["bool", "float"]
