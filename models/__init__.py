"""The seven documents of the application, with their links and unique indexes.

Start reading at `models.schema`, which lists all collections, fields and indexes. `links` says which documents refer to
which, and `names` what a new name may be.
"""
