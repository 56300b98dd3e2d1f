/* ---
description: >-
  The whole months from one day to another: one is over on the same day of the next month. NULL where the second lies before
  the first.
examples:
  whole_months(DATE '2026-01-15', DATE '2026-02-15'): 1
  whole_months(DATE '2026-01-15', DATE '2026-02-14'): 0
  whole_months(DATE '2025-06-30', DATE '2026-06-30'): 12
  whole_months(DATE '2026-02-15', DATE '2026-02-14'): null
--- */
CREATE FUNCTION whole_months(since DATE, until DATE) RETURNS BIGINT
RETURN CASE WHEN until >= since THEN CAST(
    12 * (date_part('year', until) - date_part('year', since))
    + date_part('month', until) - date_part('month', since)
    - CASE WHEN date_part('day', until) < date_part('day', since) THEN 1 ELSE 0 END
    AS BIGINT
) END;
