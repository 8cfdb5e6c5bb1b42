"""chatctl conversations."""

from cli.conversations import acting, looking, transcripts
from cli.group import group

app = group(looking.app, transcripts.app, acting.app)
