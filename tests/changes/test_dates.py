"""Changes of dates outside the years that Python supports."""

import bson
from bson import DatetimeMS

from database import connection
from database.decoding import AS_STORED
from tests.conftest import Chatctl

FAR = DatetimeMS(10**15)


def test_an_undo_restores_a_date_beyond_the_last_year() -> None:
    assert bson.decode(bson.encode({"at": FAR}), AS_STORED)["at"] == FAR


def test_the_connection_reads_a_date_beyond_the_last_year(chatctl: Chatctl) -> None:
    chatctl("users", "list")
    assert connection.database().client.codec_options.datetime_conversion == AS_STORED.datetime_conversion
