"""Access to the database: choose it, connect, list documents, follow references and changes, explain errors.

Start reading at `database.connection.database`. This package changes no documents of the application. It writes only
indexes, collections, and the files of contexts and of the embedded server.
"""
