"""The page in the zip."""

from html.parser import HTMLParser

import pytest

from tests.cli.users.export_data.conftest import Documents, People, exported, message
from tests.conftest import Chatctl


class Page(HTMLParser):
    """A page as a browser would read it: its elements, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[tuple[str, ...]] = set()
        self.links: set[str] = set()
        self.text = ""
        self.open: list[str] = []

    @classmethod
    def of(cls, source: str) -> "Page":
        page = cls()
        page.feed(source)
        page.close()
        assert page.open == []
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, *(name for name, _ in attrs)))
        self.links |= {value or "" for name, value in attrs if name == "href"}
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.open[-1:] != ["style"] else ""


HOSTILE = (
    "<script>alert(1)</script>",
    "</bdi></main><img src=x onerror=alert(1)>",
    "\" onclick='alert(1)'",
    "&lt;b&gt;&#60;",
    "<!-- --><![CDATA[",
    "\x1b]0;x\x07\x9b\u202e\u200b\ufeff",
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_people_wrote_is_text_on_the_page_whatever_it_says(
    chatctl: Chatctl, people: People, database: Documents, hostile: str
) -> None:
    plain = Page.of(exported(chatctl, "--with-names")["index.html"])
    database["User"].update_many({}, {"$set": {"name": hostile}})
    database["User"].update_one({"_id": people.ada}, {"$set": {"username": hostile}})
    database["User"].update_one({"_id": people.bob}, {"$set": {"username": f"bob {hostile}"}})
    database["Conversation"].update_one({"_id": people.group}, {"$set": {"name": hostile}})
    database["Message"].update_many({}, {"$set": {"body": hostile, "image": f"javascript:{hostile}"}})
    for collection, field in (("Role", "name"), ("Permission", "name"), ("Profile", "address"), ("Account", "scope")):
        database[collection].update_many({}, {"$set": {field: hostile}})
    chatctl("users", "suspend", f"id:{people.ada}", "--yes", "--reason", hostile)

    source = exported(chatctl, "--with-names", user=people.ada)["index.html"]
    page = Page.of(source)
    assert page.elements <= plain.elements
    assert all(link.startswith("#") for link in page.links)
    assert all(character.isprintable() or character == "\n" for character in source)
    shown = hostile if hostile.isprintable() else r"\x1b]0;x\x07\x9b\u202e\u200b\ufeff"
    assert page.text.count(shown) > 10


def test_the_page_leads_to_images_and_loads_none(chatctl: Chatctl, people: People, database: Documents) -> None:
    database["Profile"].update_one({"userId": people.ada}, {"$set": {"imageUrl": 'http://x/"><b>'}})
    database["Message"].insert_one(message(people.ada, people.direct, image=f"data:image/png;base64,{'A' * 10_000}"))
    source = exported(chatctl)["index.html"]
    links = {link for link in Page.of(source).links if not link.startswith("#")}
    assert links == {"https://img.example.org/1.png", 'http://x/"><b>'}
    assert source.count('rel="noreferrer noopener"') == len(links)
    assert not {"script", "img", "link", "iframe"} & {element[0] for element in Page.of(source).elements}
    assert "A" * 300 not in source
