"""Alembic revisions: the schema `marquee`, its triggers included. They know SQL, not the application."""
