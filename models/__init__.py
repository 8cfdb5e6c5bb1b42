"""The seven documents of the application, with their links and unique indexes.

Start reading at `models.schema`, which lists all collections, fields and indexes. `links` lists which documents refer
to which other documents. `names` checks new names.
"""
