-- domain.md, section 7, "two managers: the one assigned later": who is the manager of a customer on which days.
WITH held AS (
    SELECT customer_id, manager, valid_from, coalesce(valid_to, DATE '9999-12-31') AS valid_to
    FROM core.assignment
    WHERE role = 'manager' AND customer_id <> 'unknown' AND (valid_to IS NULL OR valid_to > valid_from)
),
day AS (
    SELECT customer_id, valid_from AS day FROM held
    UNION
    SELECT customer_id, valid_to FROM held
),
judged AS (
    SELECT day.customer_id, day.day, first(held.manager ORDER BY held.valid_from DESC, held.manager) AS manager,
        first(held.valid_from ORDER BY held.valid_from DESC, held.manager) AS since
    FROM day
    LEFT JOIN held ON held.customer_id = day.customer_id AND held.valid_from <= day.day AND held.valid_to > day.day
    GROUP BY day.customer_id, day.day
),
changed AS (
    SELECT *, lag((manager, since)) OVER (PARTITION BY customer_id ORDER BY day) IS DISTINCT FROM (manager, since) AS is_changed FROM judged
),
span AS (
    SELECT customer_id, day AS valid_from, lead(day) OVER (PARTITION BY customer_id ORDER BY day) AS valid_to, manager FROM changed WHERE is_changed
)
SELECT customer_id, valid_from, nullif(valid_to, DATE '9999-12-31') AS valid_to, manager FROM span WHERE manager IS NOT NULL
