"""Commands that show messages, and change nothing."""

from cli.group import part

app = part()
