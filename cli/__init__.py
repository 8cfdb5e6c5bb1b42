"""The command line: parse, ask, print and exit. The package `actions` decides what a command may do.

There is a package or file for each group of commands, and `output` for everything that is printed. Start reading at
`app.Root.main`.
"""
