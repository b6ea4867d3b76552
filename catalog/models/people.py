"""Editors, their sessions and links, and the tokens of pipelines."""

from datetime import datetime

from sqlalchemy import Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.base import Base, editor_key, identity, number_key


class Editor(Base):
    """Somebody who decides. Without a password hash only a one-time link signs in."""

    __tablename__ = "editor"
    id: Mapped[int] = number_key()
    name: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]
    __table_args__ = (Index("editor_name", func.lower(text("name")), unique=True),)


class Session(Base):
    """A browser that is signed in; only the hash of its secret is kept."""

    __tablename__ = "session"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    editor_id: Mapped[int] = editor_key()
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    __table_args__ = (Index("session_editor", "editor_id"),)


class Invitation(Base):
    """A link that signs in once."""

    __tablename__ = "invitation"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    editor_id: Mapped[int] = editor_key()
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInFailure(Base):
    """An attempt to sign in that failed, for the limit on attempts."""

    __tablename__ = "sign_in_failure"
    id: Mapped[int] = identity()
    name: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    __table_args__ = (
        Index("sign_in_failure_name", "name", "at"),
        Index("sign_in_failure_address", "address", "at"),
    )


class Token(Base):
    """A pipeline's key to the HTTP API; only its hash is kept."""

    __tablename__ = "token"
    id: Mapped[int] = number_key()
    name: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
