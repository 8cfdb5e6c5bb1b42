"""The commands of `chatctl conversations`. The package `chat` has the layouts of a transcript.

Start reading at `reading.list_`.
"""

from cli.conversations import changing, reading
from cli.group import group

app = group(reading.app, changing.app)
