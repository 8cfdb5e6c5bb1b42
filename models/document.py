"""What the seven documents share: they declare what is on disk and read it; only the changeset writes."""

from typing import Any, ClassVar

from mongoengine import Document


class ApplicationDocument(Document):
    """A document that belongs to the application: unknown fields are left alone, no index is made behind its back."""

    meta: ClassVar[dict[str, Any]] = {"abstract": True, "strict": False, "auto_create_index": False}


def unique(name: str, *fields: str) -> dict[str, object]:
    """Describe a unique index under the name the application reads out of duplicate-key errors."""
    return {"fields": list(fields), "name": name, "unique": True, "cls": False}
