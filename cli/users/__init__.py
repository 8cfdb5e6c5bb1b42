"""The commands of `chatctl users`: a module for each kind of work, in the order of the help.

Start reading at `changing.suspend`, a typical write, and at `reading.list_`, a typical list.
"""

from cli.group import group
from cli.users import changing, exporting, importing, merging, personal_data, reading

app = group(reading.app, changing.app, merging.app, personal_data.app, importing.app, exporting.app)
