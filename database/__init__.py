"""The way to the database: which it is, how it is reached, listed and followed, and how it fails."""
