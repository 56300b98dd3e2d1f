/* ---
description: >
  Defects of each product type by the number of complaints received in the 12 months that end with the latest complete
  month (domain.md, section 1: ended by run_date, and with an order line). Within a product type the defects are put in
  order by count, then by name; cumulative_share is that of the defect and all before it, and the class is A while the
  share before the defect is below the first limit of the revenue grades, B below the second, else C. An unknown
  product type or defect is counted, but is in no total and has no share and no class. Without a complete month there
  are no rows.
owner: quality
key: [product_type, defect]
columns:
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: "Product type, `unknown` where not known." }
  defect: { type: string, title: { zh: 缺陷, en: Defect }, description: "Defect, `unknown` where not given." }
  t12m_count: { type: bigint, unit: complaints, title: { zh: 滚动12月投诉数, en: T12m complaints }, description: Complaints of the trailing 12 months. }
  cumulative_share: { type: double, unit: share, title: { zh: 累计占比, en: Cumulative share }, description: Share of this defect and those before it. }
  defect_class: { type: string, title: { zh: 缺陷等级, en: Defect class }, description: "A, B or C; NULL for unknown ones." }
  first_month: { type: date, title: { zh: 起始月份, en: First month }, description: First of the 12 months. }
  last_month: { type: date, title: { zh: 截止月份, en: Last month }, description: Last of the 12 months. }
checks:
  - not_null: [product_type, defect, t12m_count, first_month, last_month]
  - accepted_values: { column: defect_class, values: [A, B, C] }
  - expr: t12m_count > 0
  - expr: cumulative_share > 0 and cumulative_share <= 1
  - expr: (cumulative_share is null) = (product_type = 'unknown' or defect = 'unknown') and (defect_class is null) = (cumulative_share is null)
    name: known_defects_have_a_class
  - expr: (SELECT count(*) FROM (SELECT max(cumulative_share) AS last_share FROM complaint.pareto GROUP BY product_type) AS type WHERE last_share <> 1) = 0
    name: the_pareto_of_each_product_type_ends_at_1
--- */
WITH class_limit AS (
    -- "as for revenue grades", by the policy at run_date
    SELECT
        max(CASE WHEN key = 'customer.revenue_grade.a_below' THEN value END) AS a_below,
        max(CASE WHEN key = 'customer.revenue_grade.b_below' THEN value END) AS b_below
    FROM core.policy
    WHERE in_force(valid_from, valid_to, $run_date)
),

trailing_month AS (
    SELECT
        order_t12m_from AS first_month,
        order_month AS last_month,
        unnest(generate_series(order_t12m_from, order_month, INTERVAL '1 month')) AS month
    FROM core.latest_period
),

counted_defect AS (
    SELECT
        complaint.product_type,
        complaint.defect,
        trailing.first_month,
        trailing.last_month,
        count(*) AS complaint_count,
        complaint.product_type <> 'unknown' AND complaint.defect <> 'unknown' AS is_known
    FROM core.complaint AS complaint
    JOIN trailing_month AS trailing ON trailing.month = complaint.month
    GROUP BY complaint.product_type, complaint.defect, trailing.first_month, trailing.last_month
),

running_defect AS (
    SELECT
        *,
        CAST(sum(complaint_count) OVER (PARTITION BY product_type, is_known ORDER BY complaint_count DESC, defect) AS BIGINT) AS running_count,
        CAST(sum(complaint_count) OVER (PARTITION BY product_type, is_known) AS BIGINT) AS total_count
    FROM counted_defect
)

SELECT
    defect.product_type,
    defect.defect,
    defect.complaint_count AS t12m_count,
    CASE WHEN defect.is_known THEN CAST(defect.running_count AS DOUBLE) / defect.total_count END AS cumulative_share,
    CASE
        WHEN NOT defect.is_known OR class_limit.a_below IS NULL OR class_limit.b_below IS NULL THEN NULL
        WHEN round(CAST(defect.running_count - defect.complaint_count AS DOUBLE) / defect.total_count, 12) < class_limit.a_below THEN 'A'
        WHEN round(CAST(defect.running_count - defect.complaint_count AS DOUBLE) / defect.total_count, 12) < class_limit.b_below THEN 'B'
        ELSE 'C'
    END AS defect_class,
    defect.first_month,
    defect.last_month
FROM running_defect AS defect
CROSS JOIN class_limit
