"""chatctl users."""

from cli.group import group
from cli.users import acting, looking

app = group(looking.app, acting.app)
