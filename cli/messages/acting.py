"""Commands that send messages, and take them away."""

from cli.group import part

app = part()
