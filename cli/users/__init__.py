"""The commands of `chatctl users`: a module for each kind of work, listed in the order of the help.

Start reading at `changing.suspend`, which is how every write looks, and `reading.list_`, which is how every list looks.
"""

from cli.group import group
from cli.users import changing, deleting, exporting, importing, personal_data, reading

app = group(reading.app, changing.app, deleting.app, personal_data.app, importing.app, exporting.app)
