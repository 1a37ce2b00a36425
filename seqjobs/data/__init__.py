"""Data: a DataSource -> decoded rows in memory. Imports nothing, so that `files` stays cheap to import."""
