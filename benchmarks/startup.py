"""Compare the time of small commands with plain Python scripts that do the same."""

import os
import sys
import tempfile
from pathlib import Path

from measuring import compare, database, run

CHATCTL = Path(sys.executable).with_name("chatctl")
BARE_LIST = """
import os, typer, mongoengine
class {name}(mongoengine.DynamicDocument):
    meta = {{"collection": "{name}", "auto_create_index": False}}
mongoengine.connect(host=os.environ["MONGODB_DATABASE_URL"], uuidRepresentation="standard")
for one in {name}.objects.order_by("id").limit(50).as_pymongo():
    print(one)
"""
LISTS = {"roles list": "Role", "users list": "User", "messages list": "Message", "audit list": "chatctl_audit"}
"""Command → the collection that a plain script lists for comparison."""


def main() -> None:
    with database() as url, tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        compare(
            "chatctl --help against `import typer`",
            1.2,
            lambda: run(CHATCTL, "--help"),
            lambda: run(sys.executable, "-c", "import typer"),
        )
        run(CHATCTL, "permissions", "create", *(f"permission.{n}" for n in range(10)), MONGODB_DATABASE_URL=url)
        for number in range(10):
            run(CHATCTL, "roles", "create", f"role-{number}", "--permission", "permission.1", MONGODB_DATABASE_URL=url)
        run(CHATCTL, "db", "generate", "--users", "200", "--yes", MONGODB_DATABASE_URL=url)
        for command, name in LISTS.items():
            bare = BARE_LIST.format(name=name)
            compare(
                f"chatctl {command} against a plain script with typer and mongoengine",
                1.2,
                lambda command=command: run(CHATCTL, *command.split(), MONGODB_DATABASE_URL=url),
                lambda bare=bare: run(sys.executable, "-c", bare, MONGODB_DATABASE_URL=url),
            )
        local = {"CHATCTL_LOCAL_DIR": str(Path(folder, "local"))}
        run(CHATCTL, "--local", "permissions", "create", *(f"permission.{n}" for n in range(10)), **local)
        for number in range(10):
            run(CHATCTL, "--local", "roles", "create", f"role-{number}", "--permission", "permission.1", **local)
        compare(
            "chatctl --local roles list against the same with a URL",
            1.2,
            lambda: run(CHATCTL, "--local", "roles", "list", **local),
            lambda: run(CHATCTL, "roles", "list", MONGODB_DATABASE_URL=url),
        )
        run(CHATCTL, "--local", "db", "stop", **local)


if __name__ == "__main__":
    main()
