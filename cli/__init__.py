"""The command line: parse, ask, print and exit. What may be done is decided in `actions`.

There is a package or file for each group of commands, and `output` for everything that is printed. Start reading at
`app.Root.main`.
"""
