"""Access to the database: choose it, connect, list documents, follow references and changes, explain errors.

Start reading at `database.connection.database`. This package does not change documents of the application. It creates
indexes and collections, and writes the files of contexts and of the embedded server.
"""
