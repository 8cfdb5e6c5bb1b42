"""The commands of `chatctl db`, which work on the whole database. Start reading at `server.status`."""
