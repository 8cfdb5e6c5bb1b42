"""chatctl users."""

from cli.group import group
from cli.users import acting

app = group(acting.app)
