"""The command line: it parses, asks, prints and ends with an exit code; what is done is decided in `actions`.

A package or file for each group of commands, `output` for all that is printed. Start reading at `app.Root.main`.
"""
