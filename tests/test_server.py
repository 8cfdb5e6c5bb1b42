"""The faster test server finds the same documents as the original SecantusDB."""

from itertools import product

import odd
import pytest
import server
from bson import ObjectId
from secantus import query

MORE = {"another id": ObjectId(), "another text": "text", "ids": [ObjectId(odd.HEX), "text"], "absent": query.MISSING}
VALUES = {**odd.VALUES, **MORE}
ASKED = [one for one in VALUES.values() if one is not query.MISSING]


@pytest.mark.parametrize("op", ["$in", "$nin"])
@pytest.mark.parametrize("descend", [True, False])
def test_the_faster_server_finds_every_value_in_the_same_lists(op: str, descend: bool) -> None:
    lists = [[], *([one] for one in ASKED), *([ObjectId(odd.HEX), one, "text"] for one in ASKED)]
    for value, asked in product(VALUES.values(), lists):
        if not any(isinstance(one, dict) and any(key.startswith("$") for key in one) for one in asked):
            found = server.op_matches([value], op, asked, descend=descend)
            assert found == server.slow([value], op, asked, descend=descend), (value, asked)


def test_both_servers_refuse_an_invalid_list() -> None:
    for op, asked in product(("$in", "$nin"), ({"a": 1}, "text", [{"$gt": ""}])):
        with pytest.raises(query.QueryError) as slow:
            server.slow([1], op, asked)
        with pytest.raises(query.QueryError) as quick:
            server.op_matches([1], op, asked)
        assert str(quick.value) == str(slow.value)
