"""Promises of the use cases, the store and the command line, on SQLite and PostgreSQL."""
