/* ---
description: >
  What a customer was on any day up to run_date: its credit grade, manager, revenue grade and industry, one row for each
  span of days in which none of the four changed (valid_to is the first day after it). Worked out from the data and not
  from earlier runs, so that the history of a past run date is today's, cut off there. The revenue grade changes on the
  last day of a month complete in orders, to the grade of the twelve months that end with it (customer.monthly_grade).
  The manager is that of core.customer_manager. Credit grade and industry come from the deliveries of the customer's
  accounts, from the local day of updated_at on; of several accounts the one updated last counts, and an update without
  a value keeps the one before. What the first delivery says is taken to have held from the beginning, whatever its day,
  as is the industry of core.customer for a customer without an account. On a past run date the current row is the one
  of that day, while core.customer has its grade and industry from the accounts as they are delivered today. The first
  row begins with the first day on which anything is known of the customer; one without any begins on run_date.
owner: customer-management
key: [customer_id, valid_from]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  credit_grade: { type: string, title: { zh: 信用等级, en: Credit grade }, description: "A to D; NULL where not graded." }
  manager: { type: string, title: { zh: 客户经理, en: Manager }, description: "Manager; NULL while nobody is assigned." }
  revenue_grade: { type: string, title: { zh: 收入等级, en: Revenue grade }, description: "A, B or C." }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Member of core.industry. }
  valid_from: { type: date, title: { zh: 生效日期, en: Valid from }, description: First day. }
  valid_to: { type: date, title: { zh: 失效日期, en: Valid to }, description: "First day on which it no longer holds; NULL on the current row." }
  is_current: { type: boolean, title: { zh: 是否当前, en: Is current }, description: Holds on run_date. }
checks:
  - not_null: [customer_id, revenue_grade, industry, valid_from, is_current]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - relationships: { column: industry, to: core.industry, field: industry }
  - accepted_values: { column: revenue_grade, values: [A, B, C] }
  - accepted_values: { column: credit_grade, values: [A, B, C, D] }
  - expr: valid_to > valid_from
  - expr: is_current = (valid_to is null)
  - expr: (SELECT count(*) FROM core.customer_history WHERE is_current) = (SELECT count(*) FROM core.customer)
    name: every_customer_has_one_current_row
  - expr: >-
      customer_id NOT IN (
      SELECT grade.customer_id FROM customer.revenue_grade AS grade
      JOIN core.customer_history AS this ON this.customer_id = grade.customer_id
      WHERE this.is_current AND this.revenue_grade <> grade.revenue_grade)
    where: is_current
    severity: warn
    name: the_current_revenue_grade_is_that_of_today
  - expr: >-
      customer_id || ' ' || credit_grade IN (
      SELECT account.customer_id || ' ' || version.credit_grade FROM staged.crm_account_version AS version
      JOIN core.account AS account ON account.account_id = version.account_id
      WHERE version.credit_grade IS NOT NULL)
    where: credit_grade IS NOT NULL
    name: every_credit_grade_was_delivered
--- */
WITH account_version AS (
    SELECT
        account.customer_id,
        local_date(version.updated_at, $timezone) AS day,
        version.updated_at,
        version.account_id,
        version.credit_grade,
        CASE WHEN version.industry IS NOT NULL THEN coalesce(industry.industry, 'unknown') END AS industry
    FROM staged.crm_account_version AS version
    JOIN core.account AS account ON account.account_id = version.account_id
    LEFT JOIN core.industry AS industry ON industry.industry = version.industry
    WHERE account.customer_id <> 'unknown'
),

first_version AS (
    SELECT
        customer_id,
        min(day) AS day,
        first_value(credit_grade ORDER BY updated_at, account_id) FILTER (WHERE credit_grade IS NOT NULL) AS credit_grade,
        first_value(industry ORDER BY updated_at, account_id) FILTER (WHERE industry IS NOT NULL) AS industry
    FROM account_version
    GROUP BY customer_id
),

version_day AS (
    SELECT
        customer_id,
        day,
        last_value(credit_grade ORDER BY updated_at, account_id) FILTER (WHERE credit_grade IS NOT NULL) AS credit_grade,
        last_value(industry ORDER BY updated_at, account_id) FILTER (WHERE industry IS NOT NULL) AS industry
    FROM account_version
    WHERE day <= $run_date
    GROUP BY customer_id, day
),

manager_day AS (
    -- the empty text is nobody: NULL is no news
    SELECT customer_id, valid_from AS day, manager FROM core.customer_manager
    UNION ALL
    SELECT customer_id, valid_to AS day, '' AS manager FROM core.customer_manager WHERE valid_to IS NOT NULL
),

complete_month AS (
    SELECT
        month,
        last_date,
        CAST(row_number() OVER (ORDER BY month) AS BIGINT) AS month_number
    FROM core.month
    WHERE is_order_complete
),

graded_month AS (
    SELECT
        grade.customer_id,
        complete_month.last_date AS day,
        complete_month.month_number,
        grade.revenue_grade,
        lag(grade.revenue_grade) OVER (PARTITION BY grade.customer_id ORDER BY grade.month) AS previous_grade,
        lag(complete_month.month_number) OVER (PARTITION BY grade.customer_id ORDER BY grade.month) AS previous_number,
        lead(complete_month.month_number) OVER (PARTITION BY grade.customer_id ORDER BY grade.month) AS next_number
    FROM customer.monthly_grade AS grade
    JOIN complete_month ON complete_month.month = grade.month
),

grade_day AS (
    -- another grade than in the month before, in which a customer without a row was C
    SELECT customer_id, day, revenue_grade
    FROM graded_month
    WHERE revenue_grade <> CASE WHEN previous_number = month_number - 1 THEN previous_grade ELSE 'C' END
    UNION ALL
    -- the first month in which it has no row any more
    SELECT graded.customer_id, complete_month.last_date AS day, 'C' AS revenue_grade
    FROM graded_month AS graded
    JOIN complete_month ON complete_month.month_number = graded.month_number + 1
    WHERE graded.revenue_grade <> 'C' AND (graded.next_number IS NULL OR graded.next_number > graded.month_number + 1)
),

first_manager AS (
    SELECT customer_id, min(valid_from) AS day
    FROM core.customer_manager
    GROUP BY customer_id
),

known_customer AS (
    SELECT
        customer.customer_id,
        least(
            $run_date,
            coalesce(identity.first_seen_date, $run_date),
            coalesce(customer.first_order_date, $run_date),
            coalesce(first_version.day, $run_date),
            coalesce(first_manager.day, $run_date)
        ) AS first_day,
        first_version.credit_grade,
        coalesce(first_version.industry, customer.industry) AS industry
    FROM core.customer AS customer
    LEFT JOIN core.customer_identity AS identity ON identity.customer_id = customer.customer_id
    LEFT JOIN first_version ON first_version.customer_id = customer.customer_id
    LEFT JOIN first_manager ON first_manager.customer_id = customer.customer_id
),

news AS (
    SELECT customer_id, first_day AS day, credit_grade, '' AS manager, 'C' AS revenue_grade, industry, 0 AS news_order
    FROM known_customer
    UNION ALL
    SELECT customer_id, day, credit_grade, NULL AS manager, NULL AS revenue_grade, industry, 1 AS news_order
    FROM version_day
    UNION ALL
    SELECT customer_id, day, NULL AS credit_grade, manager, NULL AS revenue_grade, NULL AS industry, 1 AS news_order
    FROM manager_day
    WHERE day <= $run_date
    UNION ALL
    SELECT customer_id, day, NULL AS credit_grade, NULL AS manager, revenue_grade, NULL AS industry, 1 AS news_order
    FROM grade_day
),

news_day AS (
    -- on the first day what is known of it comes before what changes on it; a manager who begins comes after one who ends
    SELECT
        customer_id,
        day,
        last_value(credit_grade ORDER BY news_order) FILTER (WHERE credit_grade IS NOT NULL) AS credit_grade,
        max(manager) AS manager,
        last_value(revenue_grade ORDER BY news_order) FILTER (WHERE revenue_grade IS NOT NULL) AS revenue_grade,
        last_value(industry ORDER BY news_order) FILTER (WHERE industry IS NOT NULL) AS industry
    FROM news
    GROUP BY customer_id, day
),

state_day AS (
    -- each of the four keeps its last news
    SELECT
        customer_id,
        day,
        last_value(credit_grade) IGNORE NULLS OVER (PARTITION BY customer_id ORDER BY day) AS credit_grade,
        nullif(last_value(manager) IGNORE NULLS OVER (PARTITION BY customer_id ORDER BY day), '') AS manager,
        last_value(revenue_grade) IGNORE NULLS OVER (PARTITION BY customer_id ORDER BY day) AS revenue_grade,
        last_value(industry) IGNORE NULLS OVER (PARTITION BY customer_id ORDER BY day) AS industry
    FROM news_day
),

compared_day AS (
    SELECT
        *,
        lag(credit_grade) OVER (PARTITION BY customer_id ORDER BY day) AS previous_credit_grade,
        lag(manager) OVER (PARTITION BY customer_id ORDER BY day) AS previous_manager,
        lag(revenue_grade) OVER (PARTITION BY customer_id ORDER BY day) AS previous_revenue_grade,
        lag(industry) OVER (PARTITION BY customer_id ORDER BY day) AS previous_industry
    FROM state_day
),

changed_day AS (
    -- the first day has a revenue grade, which is not that of no day before it
    SELECT customer_id, day, credit_grade, manager, revenue_grade, industry
    FROM compared_day
    WHERE (credit_grade IS DISTINCT FROM previous_credit_grade)
        OR (manager IS DISTINCT FROM previous_manager)
        OR (revenue_grade IS DISTINCT FROM previous_revenue_grade)
        OR (industry IS DISTINCT FROM previous_industry)
),

span AS (
    SELECT
        *,
        lead(day) OVER (PARTITION BY customer_id ORDER BY day) AS next_day
    FROM changed_day
)

SELECT
    customer_id,
    credit_grade,
    manager,
    revenue_grade,
    industry,
    day AS valid_from,
    next_day AS valid_to,
    next_day IS NULL AS is_current
FROM span
