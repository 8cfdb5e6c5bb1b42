"""Commands that change conversations."""

from cli.group import part

app = part()
