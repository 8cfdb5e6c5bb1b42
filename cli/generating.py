"""The command that makes up people and what they write."""

from cli.group import part

app = part()
