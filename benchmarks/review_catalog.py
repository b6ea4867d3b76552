"""A large tagged catalog, made by SQL: what the review benchmark looks through.

Movies, ledger, content, predictions, their log, decisions, labels and actions are rows as the pipeline and the
editors leave them; the queue is then written by `project` itself. Everything follows from a seed.

Its shape is meant to be awkward: the first half was loaded in the order of years and tagged by an older model,
so that years, that model and the time of tagging go together; movies in Korean are those that the model is
surest of; the commonest genre is half of all.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from catalog.engine import transaction
from catalog.registry import promote, register
from catalog.review.counts import compact
from catalog.review.project import project

CHUNK = 10_000
OLD_MODEL_SHARE, DECIDED_SHARE, IMPORTED_SHARE, FINISHED_SHARE = 0.5, 0.03, 0.1, 0.02
# How many of a hundred movies have the genre; the others of the catalog are in between.
PREVALENCE = {
    "Drama": 45,
    "Comedy": 30,
    "Thriller": 15,
    "Documentary": 12,
    "Western": 1,
    "War": 2,
    "TV Movie": 1,
}
LANGUAGES = {"en": 55, "fr": 8, "ja": 7, "de": 6, "es": 6, "ko": 5, "hi": 5, "it": 4, "": 3, "is": 1}

WORDS = text("""
CREATE TEMPORARY TABLE word AS
SELECT n AS place, initcap(string_agg(substr('aeioulnrstdmkpbg', 1 + floor(random() * 16)::integer, 1), '')) AS word
FROM generate_series(1, 20000) AS n, generate_series(1, 3 + n % 7) letter GROUP BY n;
CREATE UNIQUE INDEX ON word (place)
""")
# The commonest words are in every tenth title, as in real ones.
MOVIES = text("""
INSERT INTO marquee.movie (id, external_id, tmdb_id, title, year, language, plot)
SELECT n, 'ext-' || n, n + 7, w1.word || ' ' || w2.word || CASE WHEN n % 3 = 0 THEN ' ' || w3.word ELSE '' END,
       CASE WHEN n < :movies / 2 THEN 1920 + (n * 100 / (:movies / 2))::integer
            ELSE 2026 - floor(random() ^ 2 * 100)::integer END,
       NULLIF(kind.languages[1 + floor(random() * cardinality(kind.languages))::integer], ''),
       CASE WHEN random() < 0.6 THEN repeat(w1.word || ' finds ' || w2.word || ' by the sea, and loses it. ', 8) END
FROM (SELECT n, 1 + floor(20000 * random() ^ 3)::integer AS a, 1 + floor(20000 * random() ^ 2)::integer AS b,
             1 + floor(20000 * random())::integer AS c
      FROM generate_series(:first, :last) n) picked
JOIN word w1 ON w1.place = a JOIN word w2 ON w2.place = b JOIN word w3 ON w3.place = c
CROSS JOIN (SELECT CAST(:languages AS text[]) AS languages) kind ORDER BY n
""")
LEDGER = text("""
INSERT INTO marquee.tagging (movie_id, changed_at, due_at, tagged_at, tagged_revision, tagged_model_id,
                             taken_revision, state, tagged_sha256)
SELECT id, at, at, at + interval '2 seconds', 1, CASE WHEN id < :movies * :old_share THEN :old ELSE :new END,
       1, 'tagged', repeat('0', 64)
FROM (SELECT id, now() - interval '90 days' * (1 - id::float / :movies) AS at FROM marquee.movie
      WHERE id BETWEEN :first AND :last) m ORDER BY id;
INSERT INTO marquee.content (movie_id, revision, title, year, language, plot, plot_source, poster_hash,
                             poster_source, tmdb_id, sha256, training_allowed, fetched_at)
SELECT id, 1, title, year, language,
       CASE WHEN plot IS NOT NULL THEN plot
            WHEN random() < 0.9 THEN repeat('Somebody looks for ' || title || '. ', 8) END,
       CASE WHEN plot IS NOT NULL THEN 'movie' ELSE 'tmdb' END,
       CASE WHEN random() < 0.93 THEN encode(sha256(id::text::bytea), 'hex') END, 'tmdb', tmdb_id,
       repeat('0', 64), true, now() - interval '90 days' * (1 - id::float / :movies)
FROM marquee.movie WHERE id BETWEEN :first AND :last ORDER BY id;
UPDATE marquee.content SET plot_source = NULL WHERE movie_id BETWEEN :first AND :last AND plot IS NULL;
""")
# A genre that a movie has is mostly seen, one that it has not is mostly not; in between lies the band of doubt.
PREDICTIONS = text("""
INSERT INTO marquee.prediction (movie_id, genre_id, model_id, confidence, predicted, decision)
SELECT movie_id, genre_id, model_id, c, c >= 0.5,
       CASE WHEN c >= 0.8 THEN 'accepted' WHEN c <= 0.2 THEN 'rejected' ELSE 'review' END
FROM (SELECT m.id AS movie_id, g.id AS genre_id,
             CASE WHEN m.id < :movies * :old_share THEN :old ELSE :new END AS model_id,
             (CASE WHEN random() * 100 < g.prevalence THEN 1 - m.doubt * random() ^ 2
                   ELSE m.doubt * greatest(random(), 0.02) ^ 20 END)::real AS c
      FROM (SELECT *, CASE WHEN language = 'ko' THEN 0.2 ELSE 0.6 END AS doubt FROM marquee.movie) m
      CROSS JOIN unnest(CAST(:genres AS smallint[]), CAST(:prevalences AS real[])) AS g(id, prevalence)
      WHERE m.id BETWEEN :first AND :last) drawn
ORDER BY movie_id, genre_id;
INSERT INTO marquee.prediction_log (movie_id, revision, model_id, content_sha256, genre_ids, confidences, at)
SELECT p.movie_id, 1, p.model_id, repeat('0', 64), array_agg(genre_id ORDER BY genre_id),
       array_agg(confidence ORDER BY genre_id), min(t.tagged_at)
FROM marquee.prediction p JOIN marquee.tagging t USING (movie_id)
WHERE p.movie_id BETWEEN :first AND :last GROUP BY p.movie_id, p.model_id ORDER BY p.movie_id
""")
# Of the editors' decisions some were made of the older model's tags, and are disputed where the newer one differs.
DECISIONS = text("""
INSERT INTO marquee.decision (movie_id, genre_id, verdict, source, author, revision, model_id, confidence, at)
SELECT p.movie_id, p.genre_id, CASE WHEN random() < 0.1 + 0.8 * p.confidence THEN 'accepted' ELSE 'rejected' END,
       CASE WHEN lot < :decided THEN 'editor' ELSE 'import' END, 'editor ' || p.movie_id % 20, 1,
       CASE WHEN lot < :decided / 2 THEN :old WHEN lot < :decided THEN p.model_id END, p.confidence,
       now() - interval '90 days' * random()
FROM (SELECT id, random() AS lot FROM marquee.movie WHERE id BETWEEN :first AND :last) m
JOIN marquee.prediction p ON p.movie_id = m.id
WHERE lot < :decided + :imported AND (p.decision = 'review' OR (p.movie_id + p.genre_id) % 10 = 0);
INSERT INTO marquee.label (movie_id, genre_id, holds, decision_id)
SELECT movie_id, genre_id, verdict = 'accepted', id FROM marquee.decision WHERE movie_id BETWEEN :first AND :last
""")
FINISH = text("""
UPDATE marquee.review SET finished_at = now() WHERE movie_id IN (
    SELECT movie_id FROM marquee.decision WHERE source = 'editor' AND movie_id % 3 > 0
      AND movie_id BETWEEN :first AND :last)
""")
DECIDED = text("""
SELECT DISTINCT movie_id FROM marquee.decision
WHERE source = 'editor' AND movie_id % 3 > 0 AND movie_id BETWEEN :first AND :last
""")
EDITORS = text(
    "INSERT INTO marquee.editor (name, role) SELECT 'editor ' || n, 'editor' FROM generate_series(0, 19) n"
)
REFERENCES = text("""
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'marquee'::regnamespace
  AND conrelid = ANY(SELECT t::regclass FROM unnest(CAST(:tables AS text[])) t)
""")
LOADED = (
    "marquee.content",
    "marquee.prediction",
    "marquee.prediction_log",
    "marquee.decision",
    "marquee.label",
)
SEQUENCES = text("SELECT setval(pg_get_serial_sequence('marquee.movie', 'id'), :movies)")


def generate(engine: Engine, movies: int, *, seed: float = 0.7, audit_share: float = 0.02) -> Iterator[int]:
    """Fill a migrated, empty catalog; yields how many movies are done, of twice as many as there will be."""
    with transaction(engine) as connection:
        old, new = (_model(connection, version) for version in ("made-1", "made-2"))
        genres = dict(connection.execute(text("SELECT id, name FROM marquee.genre ORDER BY id")).all())
        connection.execute(EDITORS)
    with engine.connect() as connection:
        references = _drop_references(connection)
        connection.execute(text("SELECT setseed(:seed)"), {"seed": seed})
        connection.execute(WORDS)
        connection.commit()
        known = {
            "movies": movies,
            "old": old,
            "new": new,
            "old_share": OLD_MODEL_SHARE,
            "languages": [language for language, share in LANGUAGES.items() for _ in range(share)],
            "genres": list(genres),
            "prevalences": [float(PREVALENCE.get(name, 3 + i % 6)) for i, name in genres.items()],
            "decided": DECIDED_SHARE,
            "imported": IMPORTED_SHARE,
        }
        for first in range(1, movies + 1, CHUNK):
            chunk = known | {"first": first, "last": min(first + CHUNK - 1, movies)}
            for statement in (MOVIES, LEDGER, PREDICTIONS, DECISIONS):
                connection.execute(statement, chunk)
            connection.commit()
            yield chunk["last"]
        _restore_references(connection, references)
        connection.execute(SEQUENCES, {"movies": movies})
        connection.commit()
    with transaction(engine) as connection:
        connection.execute(text("ANALYZE"))
    for first in range(1, movies + 1, CHUNK):
        last = min(first + CHUNK - 1, movies)
        with transaction(engine, durable=False) as connection:
            ids = list(range(first, last + 1))
            project(connection, ids, audit_share=audit_share)
            connection.execute(FINISH, {"first": first, "last": last})
            project(connection, connection.execute(DECIDED, {"first": first, "last": last}).scalars().all())
        yield movies + last
    with transaction(engine) as connection:
        compact(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))


def _drop_references(connection: Connection) -> list[tuple[str, str, str]]:
    """Neither checks of references nor triggers while the rows are made, which are right as they are."""
    connection.execute(text("ALTER TABLE marquee.movie DISABLE TRIGGER USER"))
    found = connection.execute(REFERENCES, {"tables": list(LOADED)}).all()
    for table, name, _ in found:
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    return [(table, name, definition) for table, name, definition in found]


def _restore_references(connection: Connection, references: list[tuple[str, str, str]]) -> None:
    for table, name, definition in references:
        connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID"))
    connection.execute(text("ALTER TABLE marquee.movie ENABLE TRIGGER USER"))


def _model(connection: Connection, version: str) -> int:
    genres = connection.execute(text("SELECT name FROM marquee.genre ORDER BY id")).scalars().all()
    made = register(
        connection,
        version=version,
        sha256=f"sha256 of {version}",
        uri=str(Path("models") / version),
        manifest=json.loads(json.dumps({"genres": list(genres), "data": {"sha256": "made"}})),
    )
    promote(connection, made, "made for the benchmark")
    return made
