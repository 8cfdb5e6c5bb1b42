from . import checking, generating, server, server_roles, stats

__all__ = ["checking", "generating", "server", "server_roles", "stats"]
