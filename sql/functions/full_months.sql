-- Full months between two days: one more is full when the same day of the month is reached.
CREATE FUNCTION full_months(since DATE, until DATE) RETURNS BIGINT
RETURN CAST(
    (date_part('year', until) - date_part('year', since)) * 12
        + date_part('month', until) - date_part('month', since)
        - CASE WHEN date_part('day', until) < date_part('day', since) THEN 1 ELSE 0 END AS BIGINT
);
