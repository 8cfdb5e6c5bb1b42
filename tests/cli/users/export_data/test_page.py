"""The HTML page in the zip file of `users export-data`."""

import pytest
from pages import HOSTILE, Page

from tests.cli.users.export_data.conftest import Documents, People, exported, message
from tests.conftest import Chatctl


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_of_users_stays_text_on_the_page(
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


def test_the_page_links_to_images_and_loads_none(chatctl: Chatctl, people: People, database: Documents) -> None:
    database["Profile"].update_one({"userId": people.ada}, {"$set": {"imageUrl": 'http://x/"><b>'}})
    database["Message"].insert_one(message(people.ada, people.direct, image=f"data:image/png;base64,{'A' * 10_000}"))
    source = exported(chatctl)["index.html"]
    links = {link for link in Page.of(source).links if not link.startswith("#")}
    assert links == {"https://img.example.org/1.png", 'http://x/"><b>'}
    assert source.count('rel="noreferrer noopener"') == len(links)
    assert not {"script", "img", "link", "iframe"} & {element[0] for element in Page.of(source).elements}
    assert "A" * 300 not in source
