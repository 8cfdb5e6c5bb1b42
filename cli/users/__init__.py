"""chatctl users."""

from cli.group import group
from cli.users import acting, looking, moving

app = group(looking.app, acting.app, moving.app)
