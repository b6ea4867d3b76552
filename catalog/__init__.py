"""The catalog room: the movies, the tagging ledger, and every query on them.

It knows SQLAlchemy and Postgres, and nothing of Celery, torch or HTTP. `ledger` holds the state machine
that a movie passes through; the other modules each hold one table's queries.
"""
