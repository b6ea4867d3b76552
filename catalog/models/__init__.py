"""The tables of the schema `marquee` as SQLAlchemy models, a module a group.

The migrations make the tables; a test holds the two together. Queries that matter are SQL in other modules.
"""

from catalog.models import explanations, ledger, people, predictions, review, webhooks
from catalog.models.base import SCHEMA, Base

__all__ = ["SCHEMA", "Base", "explanations", "ledger", "people", "predictions", "review", "webhooks"]
