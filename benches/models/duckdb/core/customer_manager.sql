-- domain.md, section 7: of two managers the one assigned later; spans between the days on which anything changes.
WITH assigned AS (
    SELECT customer_id, manager, valid_from, coalesce(valid_to, DATE '9999-12-31') AS valid_to
    FROM core.assignment
    WHERE role = 'manager' AND customer_id <> 'unknown' AND coalesce(valid_to > valid_from, TRUE)
),
border AS (
    SELECT customer_id, valid_from AS day FROM assigned UNION SELECT customer_id, valid_to FROM assigned
),
interval_of AS (
    SELECT customer_id, day AS from_day, lead(day) OVER (PARTITION BY customer_id ORDER BY day) AS to_day FROM border
),
held AS (
    SELECT span.customer_id, span.from_day, span.to_day, assigned.manager
    FROM interval_of AS span
    JOIN assigned
        ON assigned.customer_id = span.customer_id AND assigned.valid_from <= span.from_day AND assigned.valid_to > span.from_day
    WHERE span.to_day IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY span.customer_id, span.from_day ORDER BY assigned.valid_from DESC, assigned.manager) = 1
)
SELECT customer_id, from_day AS valid_from, nullif(to_day, DATE '9999-12-31') AS valid_to, manager
FROM held
