"""What the models of all tables share."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import REAL, BigInteger, ForeignKey, Identity, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, mapped_column

SCHEMA = "marquee"


class Base(DeclarativeBase):
    """The models' registry."""

    metadata = MetaData(schema=SCHEMA)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        float: REAL,
    }


def identity(kind: Any = BigInteger) -> Any:
    """A primary key that Postgres counts up."""
    return mapped_column(kind, Identity(), primary_key=True)


def number_key() -> Any:
    """A primary key for tables of which there are few rows."""
    return mapped_column(Identity(), primary_key=True)


def movie_key() -> Any:
    """A reference to the ledger's row of a movie, which goes when the movie goes."""
    return mapped_column(BigInteger, ForeignKey("marquee.tagging.movie_id", ondelete="CASCADE"))


def editor_key(**options: Any) -> Any:
    """A reference to an editor, which goes when the editor goes."""
    return mapped_column(ForeignKey("marquee.editor.id", ondelete="CASCADE"), **options)
