"""What webhooks are told: deliveries, written in the transaction of the thing that they tell."""

from collections.abc import Collection

from sqlalchemy import Connection, text

from catalog.ledger.notes import notify
from catalog.webhooks.hooks import Event, read_webhook

DELIVERY_CHANNEL = "marquee_delivery"
TEST = "test"

# Hardly anybody has a webhook: then this one look at a table of no rows is all that an event costs.
WANTED = text("""
SELECT EXISTS (SELECT FROM marquee.webhook WHERE disabled_at IS NULL AND :event = ANY(events))
""")

# A webhook that is being deleted is passed over: the check of the foreign key would else wait for its end, and
# then fail the whole batch.
ANNOUNCE = text("""
WITH hook AS MATERIALIZED (
    SELECT id FROM marquee.webhook WHERE disabled_at IS NULL AND :event = ANY(events)
    FOR KEY SHARE SKIP LOCKED
), told AS MATERIALIZED (
    SELECT t.movie_id, jsonb_build_object(
        'event', CAST(:event AS text), 'at', clock_timestamp(),
        'movie', jsonb_build_object('id', t.movie_id, 'external_id', m.external_id, 'tmdb_id', m.tmdb_id,
                                    'imdb_id', m.imdb_id, 'title', COALESCE(m.title, c.title)),
        'revision', COALESCE(t.tagged_revision, t.revision), 'model', model.version,
        'genres', genres.list) AS body
    FROM unnest(CAST(:ids AS bigint[])) AS asked(id)
    JOIN marquee.tagging t ON t.movie_id = asked.id
    LEFT JOIN marquee.movie m ON m.id = t.movie_id
    LEFT JOIN marquee.content c ON c.movie_id = t.movie_id
    LEFT JOIN marquee.model model ON model.id = t.tagged_model_id
    CROSS JOIN LATERAL (
        SELECT COALESCE(jsonb_agg(jsonb_build_object(
            'genre', g.name, 'confidence', p.confidence, 'decision', p.decision, 'label', l.holds,
            'holds', COALESCE(l.holds, p.predicted)) ORDER BY p.confidence DESC NULLS LAST, g.id), '[]') AS list
        FROM marquee.genre g
        LEFT JOIN marquee.prediction p ON p.movie_id = t.movie_id AND p.genre_id = g.id
        LEFT JOIN marquee.label l ON l.movie_id = t.movie_id AND l.genre_id = g.id
        WHERE p.movie_id IS NOT NULL OR l.movie_id IS NOT NULL) genres
)
INSERT INTO marquee.delivery (webhook_id, event, movie_id, body)
SELECT hook.id, :event, told.movie_id, told.body FROM hook CROSS JOIN told
""")
ANNOUNCE_TEST = text("""
INSERT INTO marquee.delivery (webhook_id, event, body)
VALUES (:id, :event, jsonb_build_object('event', CAST(:event AS text), 'at', clock_timestamp())) RETURNING id
""")
OPEN = text("SELECT movie_id FROM marquee.review WHERE movie_id = ANY(:ids) AND state = 'open'")


def wanted(connection: Connection, event: Event) -> bool:
    """Whether any webhook wants to hear of the event."""
    return bool(connection.execute(WANTED, {"event": event}).scalar_one())


def announce(connection: Connection, event: Event, movie_ids: Collection[int]) -> int:
    """Write what the webhooks of the event are to be told of the movies; returns how many deliveries.

    Call it last in the transaction: the body says how the movies stand at this moment.
    """
    if not movie_ids or not wanted(connection, event):
        return 0
    written = connection.execute(ANNOUNCE, {"event": event, "ids": sorted(movie_ids)}).rowcount
    if written:
        notify(connection, DELIVERY_CHANNEL)
    return int(written)


def announce_test(connection: Connection, webhook_id: int) -> int:
    """Write a delivery that tells nothing, to see whether the webhook hears; returns its id.

    Raises:
        WebhookNotFoundError: there is no such webhook.
    """
    read_webhook(connection, webhook_id)
    made = connection.execute(ANNOUNCE_TEST, {"id": webhook_id, "event": TEST}).scalar_one()
    notify(connection, DELIVERY_CHANNEL)
    return int(made)


def open_for_review(connection: Connection, movie_ids: Collection[int]) -> frozenset[int] | None:
    """Those of the movies that wait for an editor; None where no webhook wants to know it."""
    if not wanted(connection, "needs_review"):
        return None
    return frozenset(connection.execute(OPEN, {"ids": list(movie_ids)}).scalars())


def announce_tagged(
    connection: Connection, movie_ids: Collection[int], open_before: frozenset[int] | None
) -> None:
    """Tell that the movies were tagged, and which of them wait for an editor and were not `open_before` it."""
    announce(connection, "tagged", movie_ids)
    if open_before is not None:
        now_open = open_for_review(connection, movie_ids) or frozenset()
        announce(connection, "needs_review", now_open - open_before)
