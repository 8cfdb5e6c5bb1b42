"""Set how the driver reads documents, so that every stored value can be shown, compared and written again."""

from collections.abc import Callable
from typing import Any, Final

import bson
from bson import CodecOptions
from bson.binary import UuidRepresentation
from bson.codec_options import DatetimeConversion, TypeDecoder, TypeRegistry


class Object(dict[str, Any]):
    """A document that can be an item of a set. Broken data has documents as ids, and sets of ids must contain them."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]
        try:  # a document in a set is never changed, so its hash stays valid
            return hash(frozenset(self.items()))
        except TypeError:  # the document contains a list, which has no hash
            return hash(frozenset(self))


class Decimal128(bson.Decimal128):
    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self.bid)


class Code(bson.Code):
    def __hash__(self) -> int:
        return str.__hash__(self)


class Regex(bson.Regex[Any]):
    def __hash__(self) -> int:  # type: ignore[override]
        return hash((self.pattern, self.flags))


class _Decoder(TypeDecoder):
    def __init__(self, kind: type, hashable: Callable[[Any], Any]) -> None:
        self._kind, self._hashable = kind, hashable

    @property
    def bson_type(self) -> type:
        return self._kind

    def transform_bson(self, value: Any) -> Any:
        return self._hashable(value)


_DECODERS: Final = (
    _Decoder(bson.Decimal128, lambda value: Decimal128.from_bid(value.bid)),
    _Decoder(bson.Code, Code),
    _Decoder(bson.Regex, lambda value: Regex(value.pattern, value.flags)),
)

AS_STORED: Final[CodecOptions[dict[str, Any]]] = CodecOptions(
    document_class=Object,
    tz_aware=True,
    uuid_representation=UuidRepresentation.UNSPECIFIED,  # a UUID with a wrong length must not cause an error
    unicode_decode_error_handler="replace",
    # A date after the year 9999 must not cause an error.
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    type_registry=TypeRegistry(_DECODERS),
)
"""The codec options for reading the documents of the database, and the documents inside images (the data for undos)."""


def is_exact(value: Any) -> bool:
    """Tell whether a value that was read is certainly equal to the stored value.

    Two kinds of values may differ from the stored value. If a text contains the character U+FFFD, the stored text may
    have invalid bytes instead. A stored `DBRef` may have another order of its keys.
    """
    if isinstance(value, dict):
        return all(is_exact(key) and is_exact(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_exact, value))
    if isinstance(value, bson.Regex):
        return is_exact(value.pattern)
    return not (isinstance(value, bson.DBRef) or (isinstance(value, str) and "\ufffd" in value))
