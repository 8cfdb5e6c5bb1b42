"""A menu on the terminal to choose a missing argument of a command, like a user, a role or an event.

Start reading at `pick`.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.bindings.named_commands import get_by_name
from prompt_toolkit.output import ColorDepth, create_output
from prompt_toolkit.styles import Style

from cli.output import streams, text
from database.errors import LeftError

if TYPE_CHECKING:
    from database.listing import Listing

Row = dict[str, Any]

MOST_READ: Final = 1_000
"""The most rows that a menu reads at the start.

If there are more users, the typed text is searched by the database server. Otherwise the menu filters the rows itself.
"""
MOST_SHOWN: Final = 100
"""The most items in the menu."""
MENU_LINES: Final = 12
KEYS: Final = "Type to filter. Arrow keys and Enter choose, Ctrl-C leaves."
NO_MATCH: Final = "Nothing matches. Delete letters, or leave with Ctrl-C."
DELETING: Final = {"c-h": "backward-delete-char", "c-w": "unix-word-rubout", "c-u": "unix-line-discard"}
STYLE: Final = {
    "completion-menu": "bg:default fg:default",
    "completion-menu.completion": "bg:default fg:default",
    "completion-menu.completion.current": "bg:default fg:default reverse",
    "completion-menu.meta.completion": "bg:default fg:default",
    "completion-menu.meta.completion.current": "bg:default fg:default reverse",
}
"""The colours of the menu. They are the terminal's own, so that the menu is readable on light and dark backgrounds."""


@dataclass(frozen=True)
class Kind:
    """A kind of items that a menu can offer.

    `find` returns the list of items for a search text. The menu shows the columns `name`, then the columns `details`,
    which may be cut or left out on a narrow terminal. If `searchable` is False, `find` ignores the search text, and the
    menu filters only the rows that were read at the start.
    """

    find: Callable[[str], "Listing"]
    name: tuple[str, ...]
    details: tuple[str, ...] = ()
    searchable: bool = False


def _users(search: str) -> "Listing":
    from actions import users

    return users.find(users.Filters(search=search or None))


def _roles(_: str) -> "Listing":
    from actions import roles

    return roles.find()


def _permissions(_: str) -> "Listing":
    from actions import permissions

    return permissions.find()


def _conversations(_: str) -> "Listing":
    from actions import conversations

    return conversations.find()


def _events(_: str) -> "Listing":
    from actions import audit

    return audit.find()


def _proposals(_: str) -> "Listing":
    from actions import proposals

    return proposals.find()


def _holds(_: str) -> "Listing":
    from actions import holds

    return holds.find()


KINDS: Final = {
    "USER": Kind(_users, ("username",), ("name", "email"), searchable=True),
    "FROM": Kind(_users, ("username",), ("name", "email"), searchable=True),
    "ROLE": Kind(_roles, ("name",)),
    "PERMISSION": Kind(_permissions, ("name",)),
    "CONVERSATION": Kind(_conversations, ("title",), ("lastMessageAt",)),
    "EVENT": Kind(_events, ("at", "command"), ("reason", "state")),
    "PROPOSAL": Kind(_proposals, ("at", "command"), ("by", "reason")),
    "HOLD": Kind(_holds, ("name",), ("placed", "state")),
}
"""Name of an argument in the help, like USER → the kind of items that can be chosen for it."""


def pick(called: str, zone: str | None) -> str | None:
    """Let the user choose an item from a menu. Return the item as `id:…`, or None if there are no items.

    `called` is a key of `KINDS`. Times are in the time zone `zone` (None: UTC). Raises `LeftError` if the user leaves
    without a choice.
    """
    choices = _Choices(KINDS[called], local=zone is not None)
    note = f" (times in {zone})" if zone and choices.have_times else ""
    return _prompt(f"{called}{note}: ", choices) if choices.rows else None


class _Choices:
    """The items that a menu offers. The first rows are read at the start. A search finds more users."""

    def __init__(self, kind: Kind, *, local: bool = False) -> None:
        self._kind = kind
        self._local = local
        first = list(kind.find("").rows(limit=MOST_READ + 1))
        self.rows = first[:MOST_READ]
        self._complete = len(first) <= MOST_READ
        self._matching: tuple[str, list[Row]] = ("", self.rows)

    @property
    def limits(self) -> str:
        """A sentence about the items that the menu cannot show, or an empty text if the menu has all items."""
        return "" if self._complete or self._kind.searchable else f"Only the first {MOST_READ:,} are listed. "

    @property
    def have_times(self) -> bool:
        columns = (*self._kind.name, *self._kind.details)
        return any(isinstance(row.get(column), datetime) for row in self.rows for column in columns)

    def matching(self, typed: str) -> Iterator[tuple[str, str, str]]:
        """Yield `(id:…, name, details)` for each item that contains all typed words, in any order."""
        words = typed.casefold().split()
        number = 0
        for row in self._candidates(" ".join(words)):
            name, about = (self._joined(row, columns) for columns in (self._kind.name, self._kind.details))
            identifier = text.id_text(row["id"])
            known = f"{name} {about} {identifier}".casefold()
            if number < MOST_SHOWN and all(word in known for word in words):
                number += 1
                yield f"id:{identifier}", name or text.safe(identifier), about

    def _joined(self, row: Row, columns: Iterable[str]) -> str:
        return "  ".join(filter(None, (text.cell(row.get(column), local=self._local) for column in columns)))

    def _candidates(self, typed: str) -> Iterable[Row]:
        if self._complete or not self._kind.searchable or not typed:
            return self.rows
        if self._matching[0] != typed:
            self._matching = (typed, list(self._kind.find(typed).rows(limit=MOST_SHOWN)))
        return self._matching[1]


class _Choice(Completion):
    """An item in the menu."""

    def __init__(self, reference: str, name: str, about: str, typed: str) -> None:
        super().__init__(name, -len(typed), display_meta=about)
        self.reference = reference


class _Menu(Completer):
    """The menu of the prompt: the items that match the typed text. If the database fails, the prompt ends."""

    def __init__(self, choices: _Choices) -> None:
        self._choices = choices
        self.is_empty = False

    def help(self) -> str:
        """Return the help text above the question."""
        return NO_MATCH if self.is_empty else f"{self._choices.limits}{KEYS}"

    def get_completions(self, document: Document, _: CompleteEvent) -> Iterator[Completion]:
        try:
            found = list(self._choices.matching(document.text))
        except Exception as error:  # noqa: BLE001 - the prompt raises the error again
            get_app().exit(exception=error)
            return
        self.is_empty = not found
        for reference, name, about in found:
            yield _Choice(reference, name, about, document.text)


def _prompt(question: str, choices: _Choices) -> str:
    """Ask the user on standard error to choose an item from a menu. Return the item as `id:…`."""
    menu = _Menu(choices)
    session: PromptSession[str] = PromptSession(
        lambda: f"{menu.help()}\n{question}",  # some terminals do not show a toolbar
        completer=menu,
        key_bindings=_keys(menu),
        reserve_space_for_menu=MENU_LINES,
        style=Style.from_dict(STYLE),
        color_depth=None if streams.has_colour(sys.stderr) else ColorDepth.DEPTH_1_BIT,
        output=create_output(sys.stderr),
    )
    try:
        return session.prompt(pre_run=session.default_buffer.start_completion)
    except (EOFError, KeyboardInterrupt):
        raise LeftError from None


def _keys(menu: _Menu) -> KeyBindings:
    """Return the key bindings: Enter chooses the marked item. After a letter is deleted, the menu is filtered again."""
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        marked = buffer.complete_state and buffer.complete_state.current_completion
        # For the last typed letters, the menu may not be updated yet.
        found = [marked] if marked else list(menu.get_completions(buffer.document, CompleteEvent()))
        if len(found) == 1 and isinstance(found[0], _Choice):
            event.app.exit(result=found[0].reference)
            buffer.apply_completion(found[0])
        else:
            # Several items match: mark the first one, and choose nothing yet.
            buffer.start_completion(select_first=True)

    for key, command in DELETING.items():

        @keys.add(key)
        def _(event: KeyPressEvent, command: str = command) -> None:
            get_by_name(command).call(event)
            event.current_buffer.start_completion()

    return keys
