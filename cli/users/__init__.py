"""chatctl users."""

from cli.group import group
from cli.users import acting, leaving, looking, moving

app = group(looking.app, acting.app, leaving.app, moving.app)
