"""chatctl db."""

from cli.db import checking, generating, roles, server, stats
from cli.group import group

app = group(server.app, checking.app, stats.app, generating.app, roles.app)
