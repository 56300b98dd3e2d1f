/* ---
description: >
  How sellers spend their time, by quarter and region, against the ideal of the policy. A seller belongs to the region
  in which most of his order lines lie, over all that are no returns (of two regions with as many, the first by name);
  one whose lines lie in no known region, or who has none, belongs to the region `unknown`. A week counts in the quarter
  of its Monday. All ten activities have a row wherever a diary was kept. Account planning, face to face and quoting
  generate revenue; their share together stands on every row beside the benchmarks for ordinary and for good sellers.
  Policies are those in force at the end of the quarter.
owner: sales-operations
key: [region, quarter, activity]
columns:
  region: { type: string, title: { zh: 大区, en: Region }, description: Region of the sellers. }
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  activity: { type: string, title: { zh: 活动, en: Activity }, description: One of the ten activities. }
  hours: { type: double, unit: hours, title: { zh: 小时数, en: Hours }, description: Hours in the diaries. }
  share: { type: double, unit: share, title: { zh: 时间占比, en: Share }, description: Share of all hours of the region and quarter. }
  ideal_share: { type: double, unit: share, title: { zh: 理想占比, en: Ideal share }, description: Ideal of the policy. }
  is_revenue_generating: { type: boolean, title: { zh: 是否创收, en: Is revenue generating }, description: "account_planning, face_to_face or quoting." }
  revenue_generating_share: { type: double, unit: share, title: { zh: 创收时间占比, en: Revenue-generating share }, description: Share of the three together. }
  ordinary_from_share: { type: double, unit: share, title: { zh: 普通销售员标杆下限, en: Ordinary from }, description: Benchmark of the revenue-generating share. }
  ordinary_to_share: { type: double, unit: share, title: { zh: 普通销售员标杆上限, en: Ordinary to }, description: Benchmark of the revenue-generating share. }
  good_from_share: { type: double, unit: share, title: { zh: 优秀销售员标杆下限, en: Good from }, description: Benchmark of the revenue-generating share. }
  good_to_share: { type: double, unit: share, title: { zh: 优秀销售员标杆上限, en: Good to }, description: Benchmark of the revenue-generating share. }
  seller_count: { type: bigint, unit: people, title: { zh: 销售员数, en: Sellers }, description: "Sellers of the region who kept a diary in the quarter, whatever the activity." }
checks:
  - not_null: [region, quarter, activity, hours, ideal_share, is_revenue_generating, seller_count]
  - accepted_values: { column: activity, values: [account_planning, face_to_face, quoting, project_planning, follow_up, problem_solving, travel, personal, reports, meetings] }
  - expr: hours >= 0 and share between 0 and 1 and revenue_generating_share between 0 and 1
  - expr: seller_count >= 1
  - expr: (SELECT abs(sum(hours) - (SELECT sum(minutes) / 60.0 FROM core.seller_time)) < 0.001 FROM sales.time_use)
    name: no_hour_is_lost
--- */
WITH activity AS (
    -- domain.md, section 7: those that generate revenue
    SELECT activity, is_revenue_generating
    FROM (
        VALUES
            ('account_planning', true),
            ('face_to_face', true),
            ('quoting', true),
            ('project_planning', false),
            ('follow_up', false),
            ('problem_solving', false),
            ('travel', false),
            ('personal', false),
            ('reports', false),
            ('meetings', false)
    ) AS ten(activity, is_revenue_generating)
),

seller_region AS (
    SELECT salesperson, region, count(*) AS line_count
    FROM core.sales
    WHERE NOT is_return AND salesperson IS NOT NULL AND region <> 'unknown'
    GROUP BY salesperson, region
),

placed_seller AS (
    SELECT
        salesperson,
        region,
        row_number() OVER (PARTITION BY salesperson ORDER BY line_count DESC, region) AS place
    FROM seller_region
),

diary AS (
    SELECT
        coalesce(placed_seller.region, 'unknown') AS region,
        spent.quarter,
        spent.seller,
        spent.activity,
        spent.minutes
    FROM core.seller_time AS spent
    LEFT JOIN placed_seller ON placed_seller.salesperson = spent.seller AND placed_seller.place = 1
),

kept_quarter AS (
    SELECT
        region,
        quarter,
        CAST(quarter + INTERVAL '3 months' - INTERVAL '1 day' AS DATE) AS last_date,
        count(DISTINCT seller) AS seller_count
    FROM diary
    GROUP BY region, quarter
),

spent_activity AS (
    SELECT region, quarter, activity, sum(minutes) AS minutes
    FROM diary
    GROUP BY region, quarter, activity
),

quarter_policy AS (
    -- the policies in force on the last day of the quarter
    SELECT kept.quarter, policy.key, max(policy.value) AS value
    FROM kept_quarter AS kept
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over fourteen policies
        ON in_force(policy.valid_from, policy.valid_to, kept.last_date)
    WHERE policy.key LIKE 'sales.time_use.%'
    GROUP BY kept.quarter, policy.key
),

benchmark AS (
    SELECT
        quarter,
        max(CASE WHEN key = 'sales.time_use.revenue_share_ordinary_from' THEN value END) AS ordinary_from_share,
        max(CASE WHEN key = 'sales.time_use.revenue_share_ordinary_to' THEN value END) AS ordinary_to_share,
        max(CASE WHEN key = 'sales.time_use.revenue_share_good_from' THEN value END) AS good_from_share,
        max(CASE WHEN key = 'sales.time_use.revenue_share_good_to' THEN value END) AS good_to_share
    FROM quarter_policy
    GROUP BY quarter
),

region_activity AS (
    SELECT
        kept.region,
        kept.quarter,
        kept.seller_count,
        activity.activity,
        activity.is_revenue_generating,
        coalesce(spent.minutes, 0) AS minutes
    FROM kept_quarter AS kept
    CROSS JOIN activity
    LEFT JOIN spent_activity AS spent
        ON spent.region = kept.region
        AND spent.quarter = kept.quarter
        AND spent.activity = activity.activity
),

compared_activity AS (
    SELECT
        *,
        sum(minutes) OVER (PARTITION BY region, quarter) AS all_minutes,
        sum(CASE WHEN is_revenue_generating THEN minutes ELSE 0 END) OVER (PARTITION BY region, quarter) AS generating_minutes
    FROM region_activity
)

SELECT
    compared.region,
    compared.quarter,
    compared.activity,
    CAST(compared.minutes AS DOUBLE) / 60 AS hours,
    CAST(compared.minutes AS DOUBLE) / nullif(compared.all_minutes, 0) AS share,
    ideal.value AS ideal_share,
    compared.is_revenue_generating,
    CAST(compared.generating_minutes AS DOUBLE) / nullif(compared.all_minutes, 0) AS revenue_generating_share,
    benchmark.ordinary_from_share,
    benchmark.ordinary_to_share,
    benchmark.good_from_share,
    benchmark.good_to_share,
    compared.seller_count
FROM compared_activity AS compared
LEFT JOIN quarter_policy AS ideal
    ON ideal.quarter = compared.quarter
    AND ideal.key = 'sales.time_use.ideal.' || compared.activity
LEFT JOIN benchmark ON benchmark.quarter = compared.quarter
