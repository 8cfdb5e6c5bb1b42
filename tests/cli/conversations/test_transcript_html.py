"""A transcript as an HTML page."""

import html
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import HOSTILE, Page
from people import BEGAN, Documents, conversation, messages, person

from cli.conversations.chat import html as pages
from tests.cli.conftest import Process
from tests.cli.conversations.test_transcript_markdown import row, transcript
from tests.conftest import Chatctl


def exported(chatctl: Chatctl, *args: object) -> str:
    return chatctl("conversations", "transcript", "Lobby", "-o", "html", *args).stdout


def body_of(source: str) -> str:
    return source.partition("<body>\n")[2]


def test_a_page_names_each_author_once_in_a_series_and_shows_every_time(either: Chatctl, database: Documents) -> None:
    ada, bob = (person(database, name) for name in ("ada", "bob"))
    place = conversation(database, ada, bob, name="Lobby")
    messages(database, place, ada, "hello", "who\nis in?")
    messages(database, place, bob, "me", after=2)
    database["Message"].update_one({"body": "me"}, {"$set": {"image": "https://x.org/1.png"}})
    assert (
        body_of(exported(either))
        == """\
<header><h1><bdi>Lobby</bdi></h1>
<p><bdi>ada, bob</bdi> · <bdi>began Thursday, 1 January 2026</bdi> · <bdi>times in UTC</bdi></p></header>
<main class="chat long">
<section class="day">
<h2>Thursday, 1 January 2026</h2>
<div class="run who0">
<p class="author"><bdi>ada</bdi></p>
<article><time datetime="2026-01-01T00:01:00.000Z">00:01</time><div><bdi class="passage">hello</bdi></div></article>
<article><time datetime="2026-01-01T00:02:00.000Z">00:02</time><div><bdi class="passage">who
is in?</bdi></div></article>
</div>
<div class="run who1">
<p class="author"><bdi>bob</bdi></p>
<article><time datetime="2026-01-01T00:03:00.000Z">00:03</time><div><bdi class="passage">me</bdi>\
<p class="quiet">image: <a href="https://x.org/1.png" rel="noreferrer noopener"><bdi>https://x.org/1.png</bdi></a></p>\
</div></article>
</div>
</section>
</main>
<footer>not seen by <bdi>ada</bdi></footer>
</body>
</html>
"""
    )


def test_days_are_sections_and_a_message_can_be_marked(chatctl: Chatctl, database: Documents) -> None:
    ada = person(database, "ada")
    place = conversation(database, ada, name="Lobby")
    first, second = messages(database, place, ada, "today", "tomorrow")
    database["Message"].update_one({"_id": second}, {"$set": {"createAt": BEGAN + timedelta(1)}})
    source = exported(chatctl, "--around", first)
    assert re.findall(r"<h2>.*</h2>", source) == [
        "<h2>Thursday, 1 January 2026</h2>",
        "<h2>Friday, 2 January 2026</h2>",
    ]
    assert re.findall("<article [^>]*>", source) == ['<article class="marked" aria-current="true">']
    assert '<main class="chat">' in source
    assert Page.of(source).text.count("ada") == 3


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_page_has_the_same_text_in_every_encoding_of_standard_output(
    process: Process, database: Documents, encoding: str
) -> None:
    ada = person(database, "ada")
    messages(database, conversation(database, ada, person(database, "bob"), name="Lobby"), ada, "日本 é 🎉")
    line = ["conversations", "transcript", "Lobby", "-o", "html"]
    unicode, other = (process(*line, env={"PYTHONIOENCODING": name}).stdout.decode() for name in ("utf-8", encoding))
    assert "日本 é 🎉" in unicode
    assert html.unescape(other) == unicode


def test_an_empty_conversation_is_a_page_too(either: Chatctl, database: Documents) -> None:
    conversation(database, name="Lobby")
    assert '<main class="chat long">\n<p class="quiet">No messages.</p>\n</main>\n' in exported(either)


@pytest.mark.parametrize("hostile", [*HOSTILE, "javascript:alert(1)"])
def test_text_of_users_stays_text(chatctl: Chatctl, database: Documents, hostile: str) -> None:
    ada, bob = (person(database, name) for name in ("ada", "bob"))
    place = conversation(database, ada, bob, name="Lobby")
    ids = messages(database, place, ada, "a", "b")
    database["Message"].update_one({"_id": ids[1]}, {"$set": {"image": "i"}})
    plain = Page.of(exported(chatctl))
    database["User"].update_one({"_id": ada}, {"$set": {"username": hostile}})
    database["Conversation"].update_one({"_id": place}, {"$set": {"name": hostile}})
    database["Message"].update_many({}, {"$set": {"body": hostile}})
    database["Message"].update_one({"_id": ids[1]}, {"$set": {"image": f"javascript:{hostile}"}})
    source = chatctl("conversations", "transcript", place, "-o", "html").stdout
    page = Page.of(source)
    assert page.elements == plain.elements
    assert page.links == set()
    assert "style=" not in source
    shown = hostile if hostile.isprintable() else r"\x1b]0;x\x07\x9b\u202e\u200b\ufeff"
    assert page.text.count(shown) == 7


@given(st.text(), st.text(), st.one_of(st.none(), st.text(), st.text().map("javascript:{}".format)))
def test_no_text_makes_an_element_or_a_link(name: str, body: str, image: str | None) -> None:
    plain, hostile = (
        Page.of("".join(pages.pieces(transcript(title), iter([row(title, text, address)]))))
        for title, text, address in (("a", "a", None if image is None else "i"), (name, body or "a", image))
    )
    assert hostile.elements <= plain.elements
    assert hostile.links == set() or image in hostile.links
