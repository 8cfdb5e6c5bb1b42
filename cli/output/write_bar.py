"""The progress bar of a write. Unlike other bars, it needs the code that writes, so it is loaded only for a write."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from changes import Changeset, Watch
from cli.output.progress import Bar

if TYPE_CHECKING:
    from bson import ObjectId


class WriteBar(Bar, Watch):
    """A progress bar for a write. If the plan of the write changes, `accepts` decides whether the write continues."""

    def __init__(
        self,
        note: Callable[[str], None],
        note_image: Callable[[str], None],
        accepts: Callable[[Changeset], bool],
        asks_about: Callable[[Changeset], bool],
        announce: Callable[[], None] | None = None,
    ) -> None:
        super().__init__("writing")
        self._note = note
        self._note_image = note_image
        self._image_urls: set[str] = set()
        self._accepts = accepts
        self._asks_about = asks_about
        self._announce = announce
        self.event: ObjectId | None = None
        self.batches = 0

    def indexed(self, indexes: int, total: int) -> None:
        self.name = "creating indexes"
        super().wrote(indexes, total)

    def begins(self, event: "ObjectId") -> None:
        self.name = "writing"
        self.event = event

    def removes(self, image_urls: Collection[str]) -> None:
        for url in image_urls:
            if url not in self._image_urls:
                self.tell()
                self._image_urls.add(url)
                self._note_image(url)

    def wrote(self, documents: int, total: int) -> None:
        self.batches += 1
        self.tell()
        super().wrote(documents, total)

    def tell(self) -> None:
        """Call `announce`, unless it was called before."""
        announce, self._announce = self._announce, None
        if announce:
            announce()

    def waits(self) -> None:
        self._note("waiting for another write to end; if its program was killed, this takes up to a minute")

    def asks_about(self, again: Changeset) -> bool:
        return self._asks_about(again)

    def accepts(self, again: Changeset) -> bool:
        return self._accepts(again)
