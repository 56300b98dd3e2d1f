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
        max(CASE WHEN key = 'customer.churn.minimum_order_days' AND valid_from <= $run_date AND (valid_to IS NULL OR valid_to > $run_date) THEN value END)
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

industry_eve AS (
    SELECT
        asked_eve.industry,
        asked_eve.eve,
        exact_quantile(known.own_interval_days, 0.5) AS median_interval_days
    FROM asked_eve
    JOIN timed_day AS known
        ON known.industry = asked_eve.industry
        AND known.order_date <= asked_eve.eve
        AND (known.next_order_date IS NULL OR known.next_order_date > asked_eve.eve)
    WHERE known.own_interval_days IS NOT NULL
    GROUP BY asked_eve.industry, asked_eve.eve
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
