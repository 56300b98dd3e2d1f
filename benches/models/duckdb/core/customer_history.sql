-- domain.md, section 3: spans of days in which credit grade, manager, revenue grade and industry stayed the same.
WITH delivered AS (
    -- of several accounts the one updated last counts; an update without a value keeps the one before
    SELECT
        account.customer_id,
        timezone(getvariable('timezone'), version.updated_at)::DATE AS day,
        version.updated_at,
        version.account_id,
        version.credit_grade,
        CASE WHEN version.industry IS NOT NULL THEN coalesce(industry.industry, 'unknown') END AS industry
    FROM staged.crm_account_version AS version
    JOIN core.account AS account ON account.account_id = version.account_id
    LEFT JOIN core.industry AS industry ON industry.industry = version.industry
    WHERE account.customer_id <> 'unknown'
),
carried AS (
    SELECT
        customer_id,
        day,
        last_value(credit_grade IGNORE NULLS) OVER ordered AS credit_grade,
        last_value(industry IGNORE NULLS) OVER ordered AS industry,
        row_number() OVER (PARTITION BY customer_id, day ORDER BY updated_at DESC, account_id) AS place
    FROM delivered
    WINDOW ordered AS (PARTITION BY customer_id ORDER BY updated_at, account_id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
known AS (
    SELECT customer_id, day, credit_grade, industry FROM carried WHERE place = 1 AND day <= getvariable('run_date')
),
first_known AS (
    -- accounts are taken as delivered: the first delivery holds from the beginning, whatever its day
    SELECT
        customer_id,
        min(day) AS day,
        first(credit_grade ORDER BY updated_at, account_id DESC) FILTER (WHERE credit_grade IS NOT NULL) AS credit_grade,
        first(industry ORDER BY updated_at, account_id DESC) FILTER (WHERE industry IS NOT NULL) AS industry
    FROM delivered
    GROUP BY customer_id
),
begun AS (
    SELECT
        customer.customer_id,
        least(getvariable('run_date'), identity.first_seen_date, customer.first_order_date, first_known.day, manager.day) AS first_day
    FROM core.customer AS customer
    LEFT JOIN core.customer_identity AS identity ON identity.customer_id = customer.customer_id
    LEFT JOIN first_known ON first_known.customer_id = customer.customer_id
    LEFT JOIN (SELECT customer_id, min(valid_from) AS day FROM core.customer_manager GROUP BY customer_id) AS manager
        ON manager.customer_id = customer.customer_id
),
graded AS (
    SELECT grade.customer_id, month.last_date AS day, grade.revenue_grade
    FROM customer.monthly_grade AS grade
    JOIN core.month AS month ON month.month = grade.month AND month.is_order_complete
),
event AS (
    SELECT customer_id, day FROM known
    UNION
    SELECT customer_id, day FROM graded
    UNION
    -- the month end after the last one with an order line in its twelve months
    SELECT DISTINCT graded.customer_id, month.last_date
    FROM graded
    JOIN core.month AS month ON month.is_order_complete AND month.last_date > graded.day
    UNION
    SELECT customer_id, valid_from FROM core.customer_manager WHERE valid_from <= getvariable('run_date')
    UNION
    SELECT customer_id, valid_to FROM core.customer_manager WHERE valid_to <= getvariable('run_date')
    UNION
    SELECT customer_id, first_day FROM begun
),
month_end AS (
    SELECT last_date AS day FROM core.month WHERE is_order_complete
),
stated AS (
    SELECT
        event.customer_id,
        event.day,
        coalesce(known.credit_grade, first_known.credit_grade) AS credit_grade,
        manager.manager,
        coalesce(graded.revenue_grade, 'C') AS revenue_grade,
        coalesce(known.industry, first_known.industry, customer.industry) AS industry
    FROM event
    JOIN core.customer AS customer ON customer.customer_id = event.customer_id
    LEFT JOIN first_known ON first_known.customer_id = event.customer_id
    ASOF LEFT JOIN known ON known.customer_id = event.customer_id AND known.day <= event.day
    ASOF LEFT JOIN month_end ON month_end.day <= event.day
    LEFT JOIN graded ON graded.customer_id = event.customer_id AND graded.day = month_end.day
    LEFT JOIN core.customer_manager AS manager ON manager.customer_id = event.customer_id
        AND manager.valid_from <= event.day AND (manager.valid_to IS NULL OR manager.valid_to > event.day)
),
changed AS (
    SELECT
        *,
        lag((credit_grade, manager, revenue_grade, industry)) OVER (PARTITION BY customer_id ORDER BY day)
            IS DISTINCT FROM (credit_grade, manager, revenue_grade, industry) AS is_changed
    FROM stated
)
SELECT
    customer_id,
    credit_grade,
    manager,
    revenue_grade,
    industry,
    day AS valid_from,
    lead(day) OVER (PARTITION BY customer_id ORDER BY day) AS valid_to,
    lead(day) OVER (PARTITION BY customer_id ORDER BY day) IS NULL AS is_current
FROM changed
WHERE is_changed
