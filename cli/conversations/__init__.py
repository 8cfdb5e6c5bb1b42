"""The commands of `chatctl conversations`. The package `chat` has the layouts of a transcript.

Start reading at `reading.list_`.
"""
