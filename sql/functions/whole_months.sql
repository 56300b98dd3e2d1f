-- The whole months from one day to another: one is over on the same day of the next month. NULL where the second lies before
-- the first.
CREATE FUNCTION whole_months(since DATE, until DATE) RETURNS BIGINT
RETURN CASE WHEN until >= since THEN CAST(
    12 * (date_part('year', until) - date_part('year', since))
    + date_part('month', until) - date_part('month', since)
    - CASE WHEN date_part('day', until) < date_part('day', since) THEN 1 ELSE 0 END
    AS BIGINT
) END;
