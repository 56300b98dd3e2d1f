-- domain.md, section 7: the last assessment of each seller and skill, means over the sellers.
WITH last_assessment AS (
    SELECT seller, skill, assessed_date, now_score, needed_score, weight
    FROM core.seller_assessment
    QUALIFY row_number() OVER (PARTITION BY seller, skill ORDER BY assessed_date DESC) = 1
),
measured AS (
    SELECT
        skill,
        avg(now_score) AS score_now,
        avg(needed_score) AS score_needed,
        avg(weight) AS weight,
        count(*) AS seller_count,
        max(assessed_date) AS last_assessed_date
    FROM last_assessment
    GROUP BY skill
)
SELECT
    skill,
    score_now,
    score_needed,
    score_needed - score_now AS gap,
    weight,
    (score_needed - score_now) * weight AS priority_score,
    seller_count,
    last_assessed_date
FROM measured
