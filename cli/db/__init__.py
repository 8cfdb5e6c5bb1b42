"""The commands of `chatctl db`, which work on the whole database. Start reading at `server.status`."""

from cli.db import checking, copying, generating, server, server_roles, stats
from cli.group import group

app = group(server.app, checking.app, stats.app, generating.app, copying.app, server_roles.app)
