"""The formats for programs and reports: JSON, NDJSON, YAML, CSV, ids and Markdown, written while the rows are read."""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from types import SimpleNamespace
from typing import Any, Final

from actions import csv_cells
from cli.output import streams, text

Row = dict[str, Any]
CHUNK: Final = 200
_NOTHING: Final = type(None)

# Matches texts that YAML needs in quotation marks. YAML readers other than PyYAML may read them as numbers or booleans.
_LOOKS_TYPED = re.compile(r"[0-9+.\-]|(?:[yYnN]|[oO][nN]|[oO][fF][fF])$")


def as_json(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON. Characters that are not printable are escaped."""
    return _json_escaped(json.dumps(text.plain(value), ensure_ascii=not streams.has_all_characters(), indent=indent))


def _json_escaped(written: str) -> str:
    if _shown_as_it_is(written):
        return written
    lines = (written.replace("##[", r"#\u0023[") if _obeyed(written) else written).split("\n")
    return "\n".join(line if line.isprintable() else _escaped(line, _unicode) for line in lines)


def _shown_as_it_is(line: str) -> bool:
    """Tell whether a line of JSON needs no escapes. JSON itself escapes all control characters of ASCII but one."""
    printable = "\x7f" not in line and "\n" not in line if line.isascii() else line.isprintable()
    return printable and not _obeyed(line)


def as_yaml(value: Any) -> str:
    """Return a value as YAML, which a reader converts to the same value.

    Characters that are not printable are escaped.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            del data
            return True

    def string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = '"' if not value.isprintable() or _obeyed(value) else "'" if _LOOKS_TYPED.match(value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, string)
    unicode = streams.has_all_characters()
    written = yaml.dump(text.plain(value), Dumper=Dumper, allow_unicode=unicode, sort_keys=False, width=10**9)
    lines = (written.replace("##[", r"#\x23[") if _obeyed(written) else written).split("\n")
    return "\n".join(line if line.isprintable() else _escaped(line, text.escape) for line in lines)


def write_rows(form: str, rows: Iterable[Row], keys: Sequence[str]) -> None:
    """Print a list in one of the formats. The memory does not grow with the list."""
    # Control characters in CSV cells are escaped only on a terminal, which would execute them.
    obeyed = form == "csv" and streams.is_terminal(sys.stdout)
    written = _csv(rows, keys, text.safe) if obeyed else _WRITERS[form](rows, keys)
    for number, part in enumerate(_chunks(written)):
        streams.write(part)
        if number:
            streams.flush()


def parts(form: str, rows: Iterable[Row], keys: Sequence[str]) -> Iterator[str]:
    """Yield the text of a list in one of the formats, in large parts, for a file."""
    return _chunks(_WRITERS[form](rows, keys))


def write_record(form: str, row: Row, keys: Sequence[str]) -> None:
    """Print a single row: an object in JSON and YAML, a list of one row in the other formats."""
    if form == "json":
        streams.write(f"{as_json(row, indent=2)}\n")
    elif form == "yaml":
        streams.write(as_yaml(row))
    else:
        write_rows(form, [row], keys)


def _chunks(lines: Iterator[str]) -> Iterator[str]:
    while part := "".join(islice(lines, CHUNK)):
        yield part


def _json(rows: Iterable[Row], _: Sequence[str]) -> Iterator[str]:
    encoder = json.JSONEncoder(ensure_ascii=not streams.has_all_characters(), allow_nan=False, default=text.plain)
    opening = "[\n  "
    for row in rows:
        try:
            written = _json_escaped(encoder.encode(row))
        except ValueError:  # the row has NaN or infinity, which JSON does not have
            written = as_json(row)
        yield opening + written
        opening = ",\n  "
    yield "[]\n" if opening[0] == "[" else "\n]\n"


def _ndjson(rows: Iterable[Row], _: Sequence[str]) -> Iterator[str]:
    import orjson

    options = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
    dumps = partial(orjson.dumps, default=text.plain, option=options)
    unescaped = streams.has_all_characters()
    for row in rows:
        line = _compact(row, dumps)
        yield f"{line}\n" if unescaped and _shown_as_it_is(line) else f"{as_json(row)}\n"


def _compact(row: Row, dumps: Callable[[Row], bytes]) -> str:
    """Return a row as JSON on one line, without spaces.

    `dumps` is a fast function that cannot write all values. If it fails or would write NaN as null, the row is
    converted by slower code.
    """
    try:
        line = dumps(row)
        if line.count(b"null") > [*map(type, row.values())].count(_NOTHING):
            # The fast library writes NaN and infinity, which JSON does not have, as null.
            line = dumps(text.plain(row))
    except TypeError:  # for example, an integer has more than 64 bits, or a text has an invalid character
        return as_json(row)
    return line.decode()


def _yaml(rows: Iterable[Row], _: Sequence[str]) -> Iterator[str]:
    found = iter(rows)
    first = next(found, None)
    return iter(["[]\n"]) if first is None else (as_yaml([row]) for row in chain([first], found))


def _csv(rows: Iterable[Row], keys: Sequence[str], show: Callable[[str], str] = str) -> Iterator[str]:
    lines: list[str] = []
    # With the line ending \r\n, every Python version puts cells with \r in quotation marks.
    write = csv.writer(SimpleNamespace(write=lines.append)).writerow
    write(keys)
    yield f"{lines.pop()[:-2]}\n"
    for row in rows:
        write([show(_cell(row.get(key))) for key in keys])
        yield f"{lines.pop()[:-2]}\n"


def _ids(rows: Iterable[Row], _: Sequence[str]) -> Iterator[str]:
    return (f"{text.safe(text.id_text(row['id']))}\n" for row in rows)


def _markdown(rows: Iterable[Row], keys: Sequence[str]) -> Iterator[str]:
    from cli.output import markdown

    cells = ([markdown.code(text.cell(row.get(key))) for key in keys] for row in rows)
    return (f"{line}\n" for line in markdown.rows(keys, cells))


_WRITERS: Final[dict[str, Callable[..., Iterator[str]]]] = {
    "json": _json,
    "ndjson": _ndjson,
    "yaml": _yaml,
    "csv": _csv,
    "ids": _ids,
    "markdown": _markdown,
}


def _cell(value: Any) -> str:
    """Return a value as one CSV cell: a list with `;` between its items, an object as JSON. Formulas are escaped."""
    if value is None:
        return ""
    named = [*map(_named, value)] if isinstance(value, (list, tuple)) else _named(value)
    simple = text.plain(named)
    if type(simple) is str:
        return csv_cells.escape_formulas(simple)
    if simple is None:
        return ""
    if isinstance(simple, list) and not any(isinstance(item, (list, dict)) for item in simple):
        simple = csv_cells.join_list("" if item is None else str(item) for item in simple)
    if isinstance(simple, (list, dict)):
        simple = as_json(simple)
    if isinstance(simple, bool):
        return "true" if simple else "false"
    return csv_cells.escape_formulas(simple) if isinstance(simple, str) else str(simple)


_NAMED: Final = ({"id", "username"}, {"id", "title"})
"""The keys of a person, and of a conversation."""


def _named(value: Any) -> Any:
    """Return the username of a person or the title of a conversation. If the document is deleted, return its id.

    Any other value is returned unchanged.
    """
    if isinstance(value, dict) and value.keys() in _NAMED:
        return value.get("username") or value.get("title") or value["id"]
    return value


def _obeyed(written: str) -> bool:
    """Tell whether a text contains a command that GitHub Actions would obey in the output of a job.

    The caller escapes such a text. A program that reads the JSON or YAML still gets the same value.
    """
    return "##[" in written and streams.on_github()


def _escaped(line: str, escape: Callable[[str], str]) -> str:
    return "".join(character if character.isprintable() else escape(character) for character in line)


def _unicode(character: str) -> str:
    """Escape a character as JSON does: four hex digits. Characters above U+FFFF become two escapes."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
