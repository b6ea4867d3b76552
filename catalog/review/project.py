"""Projecting movies into the queue: `review` follows from predictions, labels, audits and content.

It is called in the transaction of whatever changed these: a tagging, a decision, a fetch that found nothing new.

A genre asks for a decision where
- the model is not sure and nobody has said anything of it,
- an audit was drawn for it (see below) that nobody who looked at the movie has answered,
- or it is disputed: an editor's label from before the model looked, and the model is now sure of the opposite.
  The label stays the truth all the while.
Once an editor has finished a movie, it asks only for what is disputed.

An audit is a genre that the model accepted by itself, drawn at random and put before an editor like any other
that asks. It takes its place in the order by lot: by its confidence it would stand at the very end, and so
never be judged, or be known for what it is.
"""

from collections.abc import Sequence
from random import random

from sqlalchemy import Connection, text

from catalog.movie_locks import share_decisions
from catalog.review.counts import compact

# Of the audits of an earlier prediction, those that nobody decided on; and new ones of this prediction.
SUPERSEDE = text("""
DELETE FROM marquee.audit a USING marquee.tagging t
CROSS JOIN LATERAL (
    SELECT revision FROM marquee.prediction_log WHERE movie_id = t.movie_id ORDER BY id DESC LIMIT 1) made
WHERE t.movie_id = ANY(:ids) AND a.movie_id = t.movie_id AND a.decision_id IS NULL
  AND (a.model_id <> t.tagged_model_id OR a.revision <> made.revision)
""")
DRAW = text("""
INSERT INTO marquee.audit (movie_id, genre_id, model_id, revision, confidence)
SELECT p.movie_id, p.genre_id, p.model_id, made.revision, p.confidence
FROM marquee.prediction p
CROSS JOIN LATERAL (
    SELECT revision FROM marquee.prediction_log WHERE movie_id = p.movie_id ORDER BY id DESC LIMIT 1) made
WHERE p.movie_id = ANY(:ids) AND p.decision = 'accepted' AND random() < :share
  AND NOT EXISTS (SELECT FROM marquee.label l WHERE l.movie_id = p.movie_id AND l.genre_id = p.genre_id)
  AND NOT EXISTS (SELECT FROM marquee.review r WHERE r.movie_id = p.movie_id AND r.finished_at IS NOT NULL)
ORDER BY p.movie_id, p.genre_id
ON CONFLICT DO NOTHING
""")

# `revision` is the one that the model looked at, which is an earlier one where a later change left alone all
# that it sees. A genre's share is that of the movies known so far and these, so that the first of an empty
# catalog are measured too. The rows are written in the order of their ids, as all who write several do.
PROJECT = text("""
WITH movie AS MATERIALIZED (
    SELECT t.movie_id, t.tagged_model_id AS model_id, t.tagged_at, old.finished_at,
           COALESCE(made.revision, t.tagged_revision) AS revision, COALESCE(made.at, t.tagged_at) AS made_at,
           c.year, c.language, c.plot, c.plot_source, c.poster_hash
    FROM marquee.tagging t
    LEFT JOIN LATERAL (SELECT revision, at FROM marquee.prediction_log
                       WHERE movie_id = t.movie_id ORDER BY id DESC LIMIT 1) made ON true
    LEFT JOIN marquee.content c ON c.movie_id = t.movie_id
    LEFT JOIN marquee.review old ON old.movie_id = t.movie_id
    WHERE t.movie_id = ANY(:ids) AND t.tagged_revision IS NOT NULL AND t.tagged_model_id IS NOT NULL
), said AS (
    SELECT l.movie_id, l.genre_id, l.holds, d.source = 'editor' AS by_editor, d.revision, d.model_id, d.at
    FROM marquee.label l
    CROSS JOIN LATERAL (SELECT * FROM marquee.decision WHERE id = l.decision_id OFFSET 0) d
    WHERE l.movie_id = ANY(:ids)
), drawn AS (
    SELECT movie_id, genre_id, mod(id * 618033989, 1000000000) / 1e9 AS lot
    FROM marquee.audit WHERE movie_id = ANY(:ids) AND decision_id IS NULL
), seen AS MATERIALIZED (
    SELECT movie_id, genre_id, model_id, confidence, predicted, decision
    FROM marquee.prediction WHERE movie_id = ANY(:ids)
), share AS MATERIALIZED (
    SELECT g.id AS genre_id, (COALESCE(known.n, 0) + COALESCE(new.n, 0) + 1)
           / (COALESCE((SELECT sum(n) FROM marquee.review_count WHERE facet = 'all'), 0)
              + (SELECT count(*) FROM movie) + 2) AS share
    FROM marquee.genre g
    LEFT JOIN (SELECT facet, sum(n) AS n FROM marquee.review_count WHERE facet LIKE 'genre:%' GROUP BY facet)
        known ON known.facet = 'genre:' || g.id
    LEFT JOIN (SELECT genre_id, sum(confidence) AS n FROM seen GROUP BY genre_id) new ON new.genre_id = g.id
), genre AS (
    SELECT m.movie_id, g.genre_id, g.confidence, g.decision, drawn.lot, g.by_editor,
           COALESCE(g.holds, g.predicted) AS holds,
           CASE WHEN against.now THEN greatest(g.at, m.made_at) END AS disagreed_at,
           disputed.now AS disputed,
           disputed.now OR (m.finished_at IS NULL AND (
               drawn.lot IS NOT NULL OR (g.decision = 'review' AND g.holds IS NULL))) AS asks
    FROM (SELECT movie_id, genre_id, p.confidence, p.predicted, p.decision, p.model_id, s.holds, s.by_editor,
                 s.revision AS said_revision, s.model_id AS said_model, s.at
          FROM seen p FULL JOIN said s USING (movie_id, genre_id)
          WHERE s.holds IS NOT NULL OR p.predicted OR p.decision <> 'rejected') g
    JOIN movie m USING (movie_id)
    LEFT JOIN drawn USING (movie_id, genre_id)
    CROSS JOIN LATERAL (SELECT (g.by_editor AND ((g.decision = 'accepted' AND NOT g.holds)
                                OR (g.decision = 'rejected' AND g.holds))) IS TRUE AS now) against
    CROSS JOIN LATERAL (SELECT against.now AND (g.said_revision < m.revision
                                OR g.said_model IS DISTINCT FROM g.model_id) AS now) disputed
), told AS (
    SELECT movie_id,
           COALESCE(array_agg(genre_id) FILTER (WHERE asks), '{}') AS asks,
           max(COALESCE(lot, 1 - abs(2 * confidence - 1))) FILTER (WHERE asks) AS uncertainty,
           round(1 - COALESCE(min(share) FILTER (WHERE asks), min(share) FILTER (WHERE holds))::numeric, 2) AS rarity,
           max(disagreed_at) AS disagreed_at,
           COALESCE(bool_or(disputed), false) AS disputed,
           COALESCE(bool_or(by_editor), false) AS edited,
           array_agg('genre:' || genre_id) FILTER (WHERE holds)
             || array_agg(decision || ':' || genre_id) FILTER (WHERE decision <> 'rejected') AS facets
    FROM genre LEFT JOIN share USING (genre_id) GROUP BY movie_id
), least AS (
    SELECT movie_id, max(1 - abs(2 * confidence - 1)) AS certain FROM seen GROUP BY movie_id
)
INSERT INTO marquee.review AS r (movie_id, revision, model_id, state, asks, facets, uncertainty, rarity,
                                 tagged_at, disagreed_at, finished_at)
SELECT m.movie_id, m.revision, m.model_id,
       CASE WHEN told.asks <> '{}' THEN 'open' WHEN told.edited OR m.finished_at IS NOT NULL THEN 'done'
            ELSE 'auto' END,
       COALESCE(told.asks, '{}'),
       COALESCE(told.facets, '{}') || array_remove(ARRAY[
           'year:' || m.year, 'decade:' || (m.year / 10 * 10), 'model:' || m.model_id,
           'language:' || COALESCE(NULLIF(left(lower(btrim(m.language)), 40), ''), 'none'),
           CASE WHEN m.plot IS NULL THEN 'missing:plot' ELSE 'source:' || m.plot_source END,
           CASE WHEN m.poster_hash IS NULL THEN 'missing:poster' END,
           CASE WHEN told.disputed THEN 'disputed' END], NULL),
       doubt.uncertainty, (COALESCE(told.rarity, 0) * 999 + doubt.uncertainty) / 1000,
       m.tagged_at, told.disagreed_at, m.finished_at
FROM movie m LEFT JOIN told USING (movie_id) LEFT JOIN least USING (movie_id)
CROSS JOIN LATERAL (SELECT COALESCE(told.uncertainty, least.certain, 0) AS uncertainty) doubt
ORDER BY m.movie_id
ON CONFLICT (movie_id) DO UPDATE SET
    revision = EXCLUDED.revision, model_id = EXCLUDED.model_id, state = EXCLUDED.state, asks = EXCLUDED.asks,
    facets = EXCLUDED.facets, uncertainty = EXCLUDED.uncertainty, rarity = EXCLUDED.rarity,
    tagged_at = EXCLUDED.tagged_at, disagreed_at = EXCLUDED.disagreed_at
""")

# One in so many calls puts the counts together, so that a long load that nobody looks at does not heap them up.
COMPACT_ONE_IN = 25


def project(connection: Connection, movie_ids: Sequence[int], *, audit_share: float = 0.0) -> None:
    """Write what the queue knows of the movies; those that no model has tagged are passed over.

    `audit_share` (0 to 1, only at a tagging) is the probability with which each genre that the model accepted,
    and nobody has said anything of, is drawn for an audit.
    """
    ids = sorted(set(movie_ids))
    if not ids:
        return
    share_decisions(connection, ids)
    connection.execute(SUPERSEDE, {"ids": ids})
    if audit_share > 0:
        connection.execute(DRAW, {"ids": ids, "share": audit_share})
    connection.execute(PROJECT, {"ids": ids})
    if random() * COMPACT_ONE_IN < 1:
        compact(connection)
