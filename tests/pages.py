"""Parse an HTML page like a browser, to check that no text of a user becomes an HTML element."""

from html.parser import HTMLParser

HOSTILE = (
    "<script>alert(1)</script>",
    "</bdi></main><img src=x onerror=alert(1)>",
    "\" onclick='alert(1)'",
    "&lt;b&gt;&#60;",
    "<!-- --><![CDATA[",
    "\x1b]0;x\x07\x9b\u202e\u200b\ufeff",
)


class Page(HTMLParser):
    """A parsed HTML page: its elements, its links, and its text."""

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
