"""chatctl users."""

from cli.group import group
from cli.users import acting, leaving

app = group(acting.app, leaving.app)
