"""Guards with expressions, for sets of ids and unusual names. mongomock does not support expressions.

So these tests need a server.
"""

import pytest
from bson import ObjectId
from samples import Documents, carry_out, role, undo

from changes import ChangedMeanwhileError, Draft

pytestmark = pytest.mark.usefixtures("chatctl")


def test_a_change_of_many_ids_is_guarded_by_an_expression(database: Documents) -> None:
    many = [ObjectId() for _ in range(500)]
    support = role(userIds=list(many))
    database["Role"].insert_one(dict(support))
    planned = [Draft(), Draft()]
    for draft in planned:
        draft.take("Role", [dict(support)], "userIds", many[:300])
    carry_out(planned[0])
    assert database["Role"].find_one()["userIds"] == many[300:]
    with pytest.raises(ChangedMeanwhileError):
        carry_out(planned[1])


@pytest.mark.parametrize("odd", ["$a", "a.b", ""])
def test_field_names_that_a_filter_would_misread_are_guarded(database: Documents, odd: str) -> None:
    support = role(**{odd: 1})
    database["Role"].insert_one(dict(support))
    for planned in ({**support, odd: 2}, support):
        draft = Draft()
        draft.delete("Role", planned)
        if planned is not support:
            with pytest.raises(ChangedMeanwhileError):
                carry_out(draft)
    undo(database, carry_out(draft).event)
    assert database["Role"].find_one() == support
