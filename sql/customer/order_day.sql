/* ---
description: >
  Days on which a customer ordered, each once however many orders it has, with what was known on them and on their eve:
  the ground on which churn and retention judge any day. own_interval_days is (last - first) / (days - 1) up to this
  order day; it counts as the customer's own from as many order days on as policy says on run_date. On the eve of an
  order the recency is counted from the order day before, and the expected interval is that of the eve: the customer's
  own, else the median of those that customers of its industry (the unknown one is one of them) had on that day, else
  of all. It is worked out only where the gap is longer than every limit below which nobody is lost; elsewhere, and on
  a first order day, it is NULL. The industry is that of today.
owner: customer-management
key: [customer_id, order_date]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  order_date: { type: date, title: { zh: 订单日期, en: Order day }, description: Day with an order. }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Member of core.industry. }
  order_day_count: { type: bigint, unit: days, title: { zh: 累计订单日数, en: Order days }, description: Order days up to this one. }
  next_order_date: { type: date, title: { zh: 下次订单日期, en: Next order day }, description: The next order day; NULL on the last. }
  own_interval_days: { type: double, unit: days, title: { zh: 自身间隔, en: Own interval }, description: Mean interval up to this day; NULL before the own one counts. }
  eve_recency_days: { type: bigint, unit: days, title: { zh: 前夕距上次订单天数, en: Recency on the eve }, description: "Days from the order day before to the eve of this one; NULL on the first." }
  eve_expected_interval_days: { type: double, unit: days, title: { zh: 前夕预期间隔, en: Expected interval on the eve }, description: Expected interval as it was known on the eve. }
checks:
  - not_null: [customer_id, order_date, industry, order_day_count]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - expr: next_order_date > order_date
  - expr: (order_day_count = 1) = (eve_recency_days is null)
  - expr: eve_recency_days >= 0 and own_interval_days >= 1 and eve_expected_interval_days >= 1
  - expr: (SELECT count(*) FROM customer.order_day WHERE next_order_date IS NULL) = (SELECT count(*) FROM core.customer WHERE last_order_date IS NOT NULL)
    name: every_customer_with_an_order_has_one_last_day
--- */
WITH policy AS (
    SELECT
        max(CASE WHEN key = 'customer.churn.minimum_order_days' AND in_force(valid_from, valid_to, $run_date) THEN value END)
            AS minimum_order_days,
        min(CASE WHEN key = 'customer.churn.lost_days' THEN value END) AS least_lost_days
    FROM core.policy
    WHERE key IN ('customer.churn.minimum_order_days', 'customer.churn.lost_days')
),

ordered_day AS (
    -- domain.md, section 1, "Order": several orders of a customer on one day count once
    SELECT
        placed.customer_id,
        placed.order_date,
        min(customer.industry) AS industry
    FROM core.customer_order AS placed
    JOIN core.customer AS customer ON customer.customer_id = placed.customer_id
    GROUP BY placed.customer_id, placed.order_date
),

numbered_day AS (
    SELECT
        customer_id,
        order_date,
        industry,
        row_number() OVER (PARTITION BY customer_id ORDER BY order_date) AS order_day_count,
        min(order_date) OVER (PARTITION BY customer_id ORDER BY order_date) AS first_order_date,
        lag(order_date) OVER (PARTITION BY customer_id ORDER BY order_date) AS previous_order_date,
        lead(order_date) OVER (PARTITION BY customer_id ORDER BY order_date) AS next_order_date
    FROM ordered_day
),

timed_day AS (
    SELECT
        day.customer_id,
        day.order_date,
        day.industry,
        CAST(day.order_day_count AS BIGINT) AS order_day_count,
        day.next_order_date,
        CASE WHEN day.order_day_count >= policy.minimum_order_days
            THEN CAST(day.order_date - day.first_order_date AS DOUBLE) / nullif(CAST(day.order_day_count AS DOUBLE) - 1, 0)
        END AS own_interval_days,
        CASE WHEN day.order_day_count - 1 >= policy.minimum_order_days
            THEN CAST(day.previous_order_date - day.first_order_date AS DOUBLE) / nullif(CAST(day.order_day_count AS DOUBLE) - 2, 0)
        END AS eve_own_interval_days,
        day.order_date - 1 AS eve,
        day.order_date - 1 - day.previous_order_date AS eve_recency_days,
        day.order_date - 1 - day.previous_order_date > policy.least_lost_days AS has_long_gap
    FROM numbered_day AS day
    CROSS JOIN policy
),

asked_eve AS (
    -- the eves on which someone without an interval of its own could be lost
    SELECT DISTINCT industry, eve
    FROM timed_day
    WHERE has_long_gap AND eve_own_interval_days IS NULL
),

known_day AS (
    -- the intervals of an industry in order, cut into equal parts: the median of an eve is looked for in one or two of them
    SELECT
        customer_id,
        industry,
        order_date,
        next_order_date,
        own_interval_days,
        ntile(64) OVER (PARTITION BY industry ORDER BY own_interval_days, customer_id, order_date) AS part_number
    FROM timed_day
    WHERE own_interval_days IS NOT NULL
),

part_change AS (
    -- an interval is known from its order day to the day before the next one; the eves themselves change nothing
    SELECT industry, part_number, order_date AS day, 1 AS change, false AS is_asked FROM known_day
    UNION ALL
    SELECT industry, part_number, next_order_date, -1, false FROM known_day WHERE next_order_date IS NOT NULL
    UNION ALL
    SELECT part.industry, part.part_number, asked_eve.eve, 0, true
    FROM (SELECT DISTINCT industry, part_number FROM known_day) AS part
    JOIN asked_eve ON asked_eve.industry = part.industry
),

part_day AS (
    SELECT industry, part_number, day, sum(change) AS change, bool_or(is_asked) AS is_asked
    FROM part_change
    GROUP BY industry, part_number, day
),

part_eve AS (
    SELECT
        industry,
        part_number,
        day AS eve,
        sum(change) OVER (PARTITION BY industry, part_number ORDER BY day) AS known_count,
        is_asked
    FROM part_day
),

placed_part AS (
    SELECT
        industry,
        part_number,
        eve,
        known_count,
        sum(known_count) OVER (PARTITION BY industry, eve ORDER BY part_number) AS count_up_to,
        sum(known_count) OVER (PARTITION BY industry, eve) AS industry_count
    FROM part_eve
    WHERE is_asked
),

middle_part AS (
    -- twice the place of a value in the middle of n lies between n and n + 2
    SELECT
        industry,
        part_number,
        eve,
        count_up_to - known_count AS count_before,
        industry_count
    FROM placed_part
    WHERE 2 * count_up_to >= industry_count AND 2 * (count_up_to - known_count) <= industry_count
),

placed_interval AS (
    SELECT
        part.industry,
        part.eve,
        known.own_interval_days,
        part.count_before
            + row_number() OVER (
                PARTITION BY part.industry, part.eve, part.part_number
                ORDER BY known.own_interval_days, known.customer_id, known.order_date
            ) AS place,
        part.industry_count
    FROM middle_part AS part
    JOIN known_day AS known
        ON known.industry = part.industry
        AND known.part_number = part.part_number
        AND known.order_date <= part.eve
        AND (known.next_order_date IS NULL OR known.next_order_date > part.eve)
),

industry_eve AS (
    SELECT
        industry,
        eve,
        exact_quantile(own_interval_days, 0.5) AS median_interval_days
    FROM placed_interval
    WHERE 2 * place BETWEEN industry_count AND industry_count + 2
    GROUP BY industry, eve
),

lonely_eve AS (
    -- nobody of the industry had an interval: all customers
    SELECT DISTINCT asked_eve.eve
    FROM asked_eve
    LEFT JOIN industry_eve ON industry_eve.industry = asked_eve.industry AND industry_eve.eve = asked_eve.eve
    WHERE industry_eve.median_interval_days IS NULL
),

overall_eve AS (
    SELECT
        lonely_eve.eve,
        exact_quantile(known.own_interval_days, 0.5) AS median_interval_days
    FROM timed_day AS known
    JOIN lonely_eve -- allow join-without-equality: the few days on which an industry had no interval
        ON lonely_eve.eve >= known.order_date
        AND (known.next_order_date IS NULL OR known.next_order_date > lonely_eve.eve)
    WHERE known.own_interval_days IS NOT NULL
    GROUP BY lonely_eve.eve
)

SELECT
    day.customer_id,
    day.order_date,
    day.industry,
    day.order_day_count,
    day.next_order_date,
    day.own_interval_days,
    day.eve_recency_days,
    CASE WHEN day.has_long_gap
        THEN coalesce(day.eve_own_interval_days, industry_eve.median_interval_days, overall_eve.median_interval_days)
    END AS eve_expected_interval_days
FROM timed_day AS day
LEFT JOIN industry_eve ON industry_eve.industry = day.industry AND industry_eve.eve = day.eve
LEFT JOIN overall_eve ON overall_eve.eve = day.eve
