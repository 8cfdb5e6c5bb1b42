"""A field of a user that admins can set is in every list of such fields."""

from datetime import datetime

from actions.rules import new_names
from actions.users import audit_traces, listing
from actions.users.importing import Person
from changes.visible_values import SHOWN
from cli.users import personal_zip
from cli.users.changing import Profile
from imports.columns import COLUMNS
from models.names import USER_TEXTS
from models.schema import SCHEMA

OF_A_PROFILE = {field for field, (kind, _) in SCHEMA["Profile"].items() if kind is str}


def test_every_field_of_a_profile_is_in_all_lists_of_such_fields() -> None:
    assert set(listing.PROFILE) == OF_A_PROFILE
    assert set(personal_zip.PROFILE) == OF_A_PROFILE
    assert set(Profile().fields()) == OF_A_PROFILE
    assert SHOWN["Profile"] >= OF_A_PROFILE
    assert COLUMNS.keys() >= OF_A_PROFILE
    assert set(Person._fields) >= OF_A_PROFILE
    assert USER_TEXTS.keys() >= OF_A_PROFILE
    assert new_names._CALLED.keys() >= OF_A_PROFILE
    assert {*audit_traces.IDENTIFYING, *audit_traces.IMAGE_FIELDS} >= OF_A_PROFILE


def test_a_time_of_a_user_that_the_application_knows_can_be_imported() -> None:
    times = {field for field, (kind, _) in SCHEMA["User"].items() if kind is datetime}
    assert times - {"updatedAt"} <= COLUMNS.keys()
