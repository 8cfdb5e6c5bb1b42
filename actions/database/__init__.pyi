from . import checking, copying, generating, server, server_roles, stats

__all__ = ["checking", "copying", "generating", "server", "server_roles", "stats"]
