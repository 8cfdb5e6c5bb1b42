"""The documents and links are the same as in the schema of the application, field by field."""

import re
from pathlib import Path
from typing import Any

import pytest
from mongoengine import (
    BooleanField,
    DateTimeField,
    EnumField,
    ListField,
    LongField,
    ObjectIdField,
    StringField,
)

from models.links import LINKS, OWNED, Link, Owned
from models.schema import DOCUMENTS, FIELDS, UNIQUE_INDEXES
from models.values import UserStatus

SCHEMA = (Path(__file__).parent / "schema.prisma").read_text()
MODELS = dict(re.findall(r"^model (\w+) \{\n(.*?)^\}", SCHEMA, re.MULTILINE | re.DOTALL))
FIELD = re.compile(r"^  (\w+) +(\w+)(\[\]|\?)?(.*)$", re.MULTILINE)
TYPES = {
    "Boolean": BooleanField,
    "DateTime": DateTimeField,
    "Int": LongField,
    "String": StringField,
    "UserStatus": EnumField,
}


def fields(model: str) -> dict[str, tuple[str, str, str]]:
    """Return the stored fields of a model: name → type, `[]` or `?`, and attributes."""
    return {
        name: (kind, shape, rest)
        for name, kind, shape, rest in FIELD.findall(MODELS[model])
        if kind not in MODELS and name != "id"
    }


def test_every_model_has_a_document_in_the_collection_of_its_name() -> None:
    assert [document._meta["collection"] for document in DOCUMENTS] == list(FIELDS)
    assert set(FIELDS) == set(MODELS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.__name__)
def test_a_document_has_the_fields_types_and_required_fields_of_its_model(document: Any) -> None:
    expected = fields(document.__name__)
    declared = {name: field for name, field in document._fields.items() if name != "id"}
    assert declared.keys() == expected.keys()
    for name, (kind, shape, rest) in expected.items():
        field = declared[name]
        if shape == "[]":
            assert type(field) is ListField, name
            assert type(field.field) is ObjectIdField, name
            continue
        assert type(field) is (ObjectIdField if "@db.ObjectId" in rest else TYPES[kind]), name
        assert field.required == (shape != "?"), name
        assert field.db_field == name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.__name__)
def test_unique_indexes_have_the_names_of_the_schema(document: Any) -> None:
    model = document.__name__
    single = [(f"{model}_{name}_key", (name,)) for name, (_, _, rest) in fields(model).items() if "@unique" in rest]
    several = [tuple(found.split(", ")) for found in re.findall(r"@@unique\(\[(.*?)\]\)", MODELS[model])]
    assert UNIQUE_INDEXES[model] == (*single, *((f"{model}_{'_'.join(names)}_key", names) for names in several))


def test_the_links_are_the_relations_with_a_list_on_both_sides() -> None:
    found: dict[frozenset[str], list[tuple[str, str]]] = {}
    for model, body in MODELS.items():
        for other, ids in re.findall(r" (\w+)\[\] +@relation\(.*?fields: \[(\w+)\]", body):
            found.setdefault(frozenset({model, other}), []).append((model, ids))
    assert {Link(*left, *right) for left, right in found.values()} == set(LINKS)


def test_the_owned_references_are_the_relations_in_the_schema_of_the_application() -> None:
    found = {
        Owned(model, field, parent)
        for model, body in MODELS.items()
        for parent, field in re.findall(r" (\w+) +@relation\(fields: \[(\w+)\]", body)
    }
    assert found == set(OWNED)


def test_the_statuses_are_those_of_the_schema() -> None:
    body = re.search(r"enum UserStatus \{\n(.*?)\}", SCHEMA, re.DOTALL)
    assert body is not None
    assert body[1].split() == [status.value for status in UserStatus]
