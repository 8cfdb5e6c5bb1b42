"""`chatctl whoami` shows the user, the database, the server roles of the user, and the protection of the database."""

import getpass
import json
import socket

import pytest
from people import Documents

from tests.conftest import Chatctl

pytestmark = pytest.mark.usefixtures("database")


def test_whoami_names_the_actor_and_the_database_like_the_audit_trail(chatctl: Chatctl, database: Documents) -> None:
    row = json.loads(chatctl("whoami", "-o", "json", env={"CHATCTL_ACTOR": "night desk"}).stdout)
    assert row | {"server": "", "source": ""} == {
        "user": None,
        "systemUser": getpass.getuser(),
        "host": socket.gethostname(),
        "claimed": "night desk",
        "roles": [],
        "database": database.name,
        "server": "",
        "source": "",
        "readOnly": False,
        "protected": None,
        "maskBodies": False,
        "auditReads": False,
        "twoPeople": False,
        "notAllowed": [],
    }
    chatctl("roles", "create", "intern", env={"CHATCTL_ACTOR": "night desk"})
    [event] = json.loads(chatctl("audit", "list", "-o", "json").stdout)
    assert event["actor"] == f"{row['systemUser']}@{row['host']} (night desk)"


def test_whoami_shows_the_protection_and_requires_no_role(chatctl: Chatctl) -> None:
    chatctl("db", "protect", "production", "--audit-reads", "--yes")
    said = chatctl("whoami")
    assert said.stdout.splitlines()[-5:-2] == ["PROTECTED    production", "MASK BODIES  no", "AUDIT READS  yes"]
    assert (
        said.stderr
        == "this connection has no role on the server: it has only the rights that the server gives to all users\n"
    )
