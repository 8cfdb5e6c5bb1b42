"""An interrupted deletion leaves no half-written batch. The same command finishes the deletion."""

import json
import signal
import subprocess
import time

import pytest
from people import Documents, conversation, links, messages, person, stored

from tests.cli.conftest import PROGRAM
from tests.conftest import Chatctl


@pytest.mark.parametrize("finish", ["undo", "again"])
def test_an_interrupted_deletion_can_be_undone_or_finished(
    chatctl: Chatctl, environment: dict[str, str], database: Documents, finish: str
) -> None:
    ada, grace = person(database, "ada"), person(database, "grace")
    places = [conversation(database, ada, grace, name=name) for name in ("engines", "looms")]
    kept = conversation(database, ada, grace)
    messages(database, kept, ada, "stay")
    for place in places:
        messages(database, place, ada, *map(str, range(800)), seen=(grace,))
    before = stored(database)
    command = ["conversations", "delete", "engines", "looms", "--yes"]
    started = subprocess.Popen(  # noqa: S603
        [PROGRAM, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while database["Message"].count_documents({}) == 1_601 and started.poll() is None:
        time.sleep(0.01)
    started.send_signal(signal.SIGINT)
    assert (started.communicate()[1].splitlines()[-1], started.returncode) == (b"error: interrupted", 130)
    assert database["Conversation"].count_documents({}) == 3
    assert 1 < database["Message"].count_documents({}) < 1_601
    links(database)
    events = [
        event["id"]
        for event in json.loads(chatctl("audit", "list", "-o", "json").stdout)
        if event["state"] == "interrupted"
    ]
    if finish == "again":
        done = chatctl(*command)
        assert done.stdout == "engines: deleted\nlooms: deleted\n"
        assert [message["body"] for message in database["Message"].find()] == ["stay"]
        links(database)
        events.append(done.stderr.split()[-1])
    for event in reversed(events):
        chatctl("audit", "undo", event, "--yes")
    assert stored(database) == before
