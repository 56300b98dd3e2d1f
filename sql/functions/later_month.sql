-- The first day of the month so many months later; earlier where the number is negative.
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
