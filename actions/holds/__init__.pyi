from .contents import Contents, contents
from .listing import check, find, show
from .placing import add, release, rules_of

__all__ = ["Contents", "add", "check", "contents", "find", "release", "rules_of", "show"]
