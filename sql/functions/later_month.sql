/* ---
description: The first day of the month so many months later; earlier where the number is negative.
examples:
  later_month(DATE '2026-01-31', 1): 2026-02-01
  later_month(DATE '2026-12-15', 1): 2027-01-01
  later_month(DATE '2026-01-31', -1): 2025-12-01
  later_month(DATE '2026-06-30', 0): 2026-06-01
--- */
CREATE FUNCTION later_month(day DATE, months BIGINT) RETURNS DATE
RETURN make_date(
    CAST(floor((date_part('year', day) * 12 + date_part('month', day) - 1 + months) / CAST(12 AS DOUBLE)) AS INT),
    CAST(
        date_part('year', day) * 12 + date_part('month', day) - 1 + months
            - 12 * floor((date_part('year', day) * 12 + date_part('month', day) - 1 + months) / CAST(12 AS DOUBLE))
            + 1 AS INT
    ),
    1
);
