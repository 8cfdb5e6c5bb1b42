"""Compare the time of small commands with plain Python scripts that do the same."""

import os
import sys
import tempfile
from pathlib import Path

from measuring import compare, database, run

CHATCTL = Path(sys.executable).with_name("chatctl")
BARE_LIST = """
import os, typer, mongoengine
class Role(mongoengine.Document):
    name = mongoengine.StringField()
    userIds = mongoengine.ListField(mongoengine.ObjectIdField())
    permissionsIds = mongoengine.ListField(mongoengine.ObjectIdField())
    meta = {"collection": "Role", "strict": False, "auto_create_index": False}
mongoengine.connect(host=os.environ["MONGODB_DATABASE_URL"], uuidRepresentation="standard")
for role in Role.objects.order_by("id").as_pymongo():
    print(role)
"""


def main() -> None:
    with database() as url, tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        compare(
            "chatctl --help against `import typer`",
            1.4,
            lambda: run(CHATCTL, "--help"),
            lambda: run(sys.executable, "-c", "import typer"),
        )
        run(CHATCTL, "permissions", "create", *(f"permission.{n}" for n in range(10)), MONGODB_DATABASE_URL=url)
        for number in range(10):
            run(CHATCTL, "roles", "create", f"role-{number}", "--permission", "permission.1", MONGODB_DATABASE_URL=url)
        compare(
            "chatctl roles list against a plain script with typer and mongoengine",
            1.3,
            lambda: run(CHATCTL, "roles", "list", MONGODB_DATABASE_URL=url),
            lambda: run(sys.executable, "-c", BARE_LIST, MONGODB_DATABASE_URL=url),
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
