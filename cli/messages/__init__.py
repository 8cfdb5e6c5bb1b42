"""chatctl messages."""

from cli.group import group
from cli.messages import acting, following, looking

app = group(looking.app, acting.app, following.app)
