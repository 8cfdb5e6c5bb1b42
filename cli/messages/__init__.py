"""The commands of `chatctl messages`. Start reading at `reading.list_`."""

from cli.group import group
from cli.messages import changing, reading, tailing

app = group(reading.app, changing.app, tailing.app)
