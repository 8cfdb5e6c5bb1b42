"""Messages as they come."""

from cli.group import part

app = part()
