"""The way to the database: choose it, connect, list, follow references and changes, and explain failures.

Start reading at `database.connection.database`. Nothing here writes documents, except indexes and the embedded server.
"""
