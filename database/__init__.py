"""Access to the database: choose it, connect, list documents, follow references and changes, explain errors.

Start reading at `database.connection.database`. Nothing here changes documents of the application.
Only indexes, collections, and the files of contexts and of the embedded server are written here.
"""
