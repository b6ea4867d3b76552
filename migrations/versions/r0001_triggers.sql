-- A writer may say `SET LOCAL marquee.priority = 'bulk'`; without it, a statement of up to ten movies is
-- somebody waiting (interactive, 0) and a larger one is a load (bulk, 1). Re-tagging is 2.
CREATE FUNCTION marquee.event_priority(movies bigint) RETURNS smallint
LANGUAGE sql STABLE AS $$
    SELECT (CASE current_setting('marquee.priority', true)
        WHEN 'interactive' THEN 0 WHEN 'bulk' THEN 1 WHEN 'retag' THEN 2
        ELSE CASE WHEN movies <= 10 THEN 0 ELSE 1 END
    END)::smallint
$$;

-- Statements that join the transition tables are planned anew each time (EXECUTE): a session would else keep the
-- plan of a first, small statement and run a later one of a million rows in nested loops, or the other way round.

CREATE FUNCTION marquee.movie_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, marquee, pg_temp AS $$
DECLARE
    movies bigint;
    first bigint;
    last bigint;
    wanted smallint;
    due timestamptz := now();
BEGIN
    SELECT count(*), min(id), max(id) INTO movies, first, last FROM new_rows;
    IF movies = 0 THEN
        RETURN NULL;
    END IF;
    wanted := marquee.event_priority(movies);
    IF movies > 1000 AND wanted = 1 THEN  -- a bulk load: the relay gives these movies their places in line
        due := NULL;
        INSERT INTO marquee.arrival (first_id, last_id) VALUES (first, last);
    END IF;
    IF EXISTS (SELECT FROM marquee.timeline WHERE event = 'deleted' AND at > now() - interval '1 day') THEN
        -- A movie that comes back while a worker may still have its old self in hand goes on counting its
        -- revisions, so that the fence can tell the two apart.
        EXECUTE $sql$
            WITH gone AS (
                SELECT movie_id, max(revision) AS revision FROM marquee.timeline
                WHERE event = 'deleted' AND at > now() - interval '1 day' GROUP BY movie_id)
            INSERT INTO marquee.tagging (movie_id, priority, due_at, revision, taken_revision)
            SELECT n.id, $1, $2, COALESCE(gone.revision, 0) + 1, COALESCE(gone.revision, 0)
            FROM new_rows n LEFT JOIN gone ON gone.movie_id = n.id
        $sql$ USING wanted, due;
    ELSE
        INSERT INTO marquee.tagging (movie_id, priority, due_at) SELECT id, wanted, due FROM new_rows;
    END IF;
    NOTIFY marquee_event;
    RETURN NULL;
END $$;

-- A change supersedes whatever is under way: the row goes back to pending at its next revision, and the
-- worker that holds the old one finds its result refused.
CREATE FUNCTION marquee.movie_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, marquee, pg_temp AS $$
DECLARE
    changed bigint[];
    wanted smallint;
    known bigint;
BEGIN
    EXECUTE $sql$
        SELECT array_agg(n.id) FROM new_rows n JOIN old_rows o ON o.id = n.id
        WHERE (n.tmdb_id, n.imdb_id, n.title, n.year, n.language, n.plot, n.poster_url, n.poster_hash)
            IS DISTINCT FROM
              (o.tmdb_id, o.imdb_id, o.title, o.year, o.language, o.plot, o.poster_url, o.poster_hash)
    $sql$ INTO changed;
    IF changed IS NULL THEN
        RETURN NULL;
    END IF;
    wanted := marquee.event_priority(cardinality(changed));
    UPDATE marquee.tagging t SET
        revision = t.revision + 1, state = 'pending', due_at = now(), changed_at = now(),
        priority = CASE WHEN t.state IN ('tagged', 'quarantined') THEN wanted
                        ELSE least(t.priority, wanted) END,
        owner = NULL, lease_until = NULL, deaths = 0, failures = 0, error = NULL
    FROM unnest(changed) AS c(id)
    WHERE t.movie_id = c.id;
    GET DIAGNOSTICS known = ROW_COUNT;
    IF known < cardinality(changed) THEN  -- movies that came in while the triggers were off
        INSERT INTO marquee.tagging (movie_id, priority) SELECT id, wanted FROM unnest(changed) AS c(id)
        ON CONFLICT DO NOTHING;
    END IF;
    NOTIFY marquee_event;
    RETURN NULL;
END $$;

CREATE FUNCTION marquee.movie_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, marquee, pg_temp AS $$
BEGIN
    EXECUTE $sql$
        WITH gone AS (
            DELETE FROM marquee.tagging t USING old_rows o WHERE t.movie_id = o.id
            RETURNING t.movie_id, t.revision)
        INSERT INTO marquee.timeline (movie_id, revision, event)
        SELECT movie_id, revision, 'deleted' FROM gone
    $sql$;
    RETURN NULL;
END $$;

CREATE FUNCTION marquee.movie_truncated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, marquee, pg_temp AS $$
BEGIN
    WITH gone AS (DELETE FROM marquee.tagging RETURNING movie_id, revision)
    INSERT INTO marquee.timeline (movie_id, revision, event) SELECT movie_id, revision, 'deleted' FROM gone;
    RETURN NULL;
END $$;

-- They write the ledger with their owner's rights. Whoever may execute a trigger function may put it on a table of
-- his own, and have it delete ledger rows; a trigger that exists needs nobody's right to fire.
REVOKE EXECUTE ON FUNCTION marquee.movie_inserted(), marquee.movie_updated(), marquee.movie_deleted(),
    marquee.movie_truncated() FROM PUBLIC;

CREATE TRIGGER movie_inserted AFTER INSERT ON marquee.movie
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION marquee.movie_inserted();
CREATE TRIGGER movie_updated AFTER UPDATE ON marquee.movie
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION marquee.movie_updated();
CREATE TRIGGER movie_deleted AFTER DELETE ON marquee.movie
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION marquee.movie_deleted();
CREATE TRIGGER movie_truncated AFTER TRUNCATE ON marquee.movie
    FOR EACH STATEMENT EXECUTE FUNCTION marquee.movie_truncated();

CREATE FUNCTION marquee.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER movie_id_is_fixed BEFORE UPDATE OF id ON marquee.movie
    FOR EACH ROW WHEN (OLD.id <> NEW.id)
    EXECUTE FUNCTION marquee.refuse_change('A movie keeps its id: delete the row and insert it anew.');
CREATE TRIGGER timeline_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON marquee.timeline
    FOR EACH STATEMENT EXECUTE FUNCTION marquee.refuse_change('The timeline is append-only.');
CREATE TRIGGER decision_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON marquee.decision
    FOR EACH STATEMENT EXECUTE FUNCTION marquee.refuse_change('The log of decisions is append-only.');
CREATE TRIGGER promotion_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON marquee.promotion
    FOR EACH STATEMENT EXECUTE FUNCTION marquee.refuse_change('The log of promotions is append-only.');
