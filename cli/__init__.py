"""The command line: parse, ask, print and exit. The package `actions` decides what a command may do.

There is a package or file for each group of commands. The package `output` prints everything. Start reading at
`app.Root.main`.
"""
