"""Alembic revisions: the schema `marquee`, its triggers included. They know SQL and nothing of the application."""
