-- A roll-back is a promotion too: `back_to` is the promotion whose model it brings back. `retag` is whether movies
-- that another model tagged are tagged again. Those that were promoted before are left as they are.
ALTER TABLE marquee.promotion ADD back_to integer REFERENCES marquee.promotion;
ALTER TABLE marquee.promotion ADD retag boolean NOT NULL DEFAULT false;
ALTER TABLE marquee.promotion ALTER retag SET DEFAULT true;

-- Why a tag worker does not have the champion.
ALTER TABLE marquee.worker ADD refusal text;

-- What is tagged again after a promotion: the movies of each other model, the least certain first.
CREATE INDEX review_model ON marquee.review (model_id, uncertainty DESC, movie_id DESC);

CREATE FUNCTION marquee.champion_at(moment timestamptz)
RETURNS TABLE (model_id integer, version text, sha256 text, data_sha256 text,
               promotion_id integer, promoted_at timestamptz, back_to integer, reason text, evidence jsonb)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT m.id, m.version, m.sha256, m.data_sha256, p.id, p.at, p.back_to, p.reason, p.evidence
    FROM marquee.promotion p JOIN marquee.model m ON m.id = p.model_id
    WHERE p.at <= moment ORDER BY p.id DESC LIMIT 1;
END;

COMMENT ON FUNCTION marquee.champion_at IS 'The model that was champion at a moment, and why; no row before the first.';
