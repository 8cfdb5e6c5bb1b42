"""Dates that the calendar here does not have."""

import bson
from bson import DatetimeMS

from database import connection
from database.decoding import AS_STORED
from tests.conftest import Chatctl

FAR = DatetimeMS(10**15)


def test_a_date_beyond_the_last_year_is_kept_for_an_undo_as_it_is() -> None:
    assert bson.decode(bson.encode({"at": FAR}), AS_STORED)["at"] == FAR


def test_the_connection_reads_one_instead_of_failing(chatctl: Chatctl) -> None:
    chatctl("users", "list")
    assert connection.database().client.codec_options.datetime_conversion == AS_STORED.datetime_conversion
