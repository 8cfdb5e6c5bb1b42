"""Commands that show conversations, and change nothing."""

from cli.group import part

app = part()
