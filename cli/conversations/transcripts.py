"""The transcript of a conversation."""

from cli.group import part

app = part()
