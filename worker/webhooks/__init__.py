"""Telling webhooks what the ledger has for them: signed, retried, at least once."""

from worker.webhooks.client import Answer, WebhookClient
from worker.webhooks.sender import Sender
from worker.webhooks.signing import signature

__all__ = ["Answer", "Sender", "WebhookClient", "signature"]
