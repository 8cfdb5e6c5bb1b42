"""The commands of `chatctl users`: a module for each kind of work, in the order of the help.

Start reading at `changing.suspend`, a typical write, and at `reading.list_`, a typical list.
"""
