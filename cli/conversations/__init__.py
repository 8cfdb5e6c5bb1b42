"""The commands of `chatctl conversations`; `chat` has the layouts of a transcript.

Start reading at `reading.list_`.
"""

from cli.conversations import changing, reading, transcript
from cli.group import group

app = group(reading.app, transcript.app, changing.app)
