"""What a message may be."""

from typing import Final
from urllib.parse import urlsplit

from actions.errors import BadMessageError
from database.wording import shown

LARGEST: Final = 1024 * 1024
"""Bytes of a body, so that a page of many messages stays one that can be shown."""


def refuse_body(body: str) -> None:
    """Raise `BadMessageError` for a text that nobody could read as a message."""
    if not body.strip():
        raise BadMessageError("the message is empty", "it needs a text")
    if "\0" in body:
        raise BadMessageError("the message holds a NUL character", "a message is text")
    refuse_size(len(body.encode(errors="replace")))


def refuse_size(size: int) -> None:
    """Raise `BadMessageError` for so many bytes."""
    if size > LARGEST:
        raise BadMessageError(f"the message is longer than {LARGEST:,} bytes", "send it in parts")


def refuse_image(image: str) -> None:
    """Raise `BadMessageError` for what is no address of the web."""
    try:
        address = urlsplit(image)
        loads = address.scheme in {"http", "https"} and bool(address.hostname)
    except ValueError:
        loads = False
    if not loads or " " in image or not image.isprintable() or len(image) > LARGEST:
        raise BadMessageError(f"{shown(image)} is no address of an image", "it begins with https:// or http://")
