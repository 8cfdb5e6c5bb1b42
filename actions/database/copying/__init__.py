"""Copy a database, or a part of it, without the people in it. Start reading at `planned`."""

from actions.database.copying.copying import Style, check_as_is, local_context, named_context, planned, wanted

__all__ = ["Style", "check_as_is", "local_context", "named_context", "planned", "wanted"]
