-- domain.md, section 3: one row for each customer. Names and codes are those of identification; place as section 1 says.
WITH RECURSIVE account AS (
    SELECT account.account_id, account.customer_id, parent.customer_id AS parent_id, referrer.customer_id AS referrer_id, account.updated_at
    FROM staged.crm_account AS account
    LEFT JOIN staged.crm_account AS parent ON parent.account_id = account.parent_account_id
    LEFT JOIN staged.crm_account AS referrer ON referrer.account_id = account.referred_by_account_id
    WHERE account.customer_id IS NOT NULL
),
parent AS (
    SELECT customer_id, first(parent_id ORDER BY account_id) AS parent_id
    FROM account
    WHERE parent_id IS NOT NULL AND parent_id <> customer_id
    GROUP BY customer_id
),
climb AS (
    SELECT customer_id, customer_id AS above, [customer_id] AS path, false AS is_circle FROM core.customer_identity
    UNION ALL
    SELECT climb.customer_id, parent.parent_id, list_append(climb.path, parent.parent_id), list_contains(climb.path, parent.parent_id)
    FROM climb
    JOIN parent ON parent.customer_id = climb.above
    WHERE NOT climb.is_circle
),
top AS (
    SELECT
        customer_id,
        CASE
            WHEN is_circle THEN list_min(path[list_position(path, above):])
            ELSE above
        END AS group_id
    FROM climb
    QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY len(path) DESC) = 1
),
referred AS (
    SELECT customer_id, first(referrer_id ORDER BY updated_at DESC, account_id) AS referrer_id
    FROM account
    WHERE referrer_id IS NOT NULL AND referrer_id <> customer_id
    GROUP BY customer_id
),
ordered AS (
    SELECT customer_id, min(order_date) AS first_date, max(order_date) AS last_date FROM core.customer_order GROUP BY customer_id
),
home AS (
    SELECT DISTINCT country FROM core.region WHERE is_domestic
),
bought AS (
    SELECT DISTINCT customer_id FROM core.sales WHERE line_kind = 'machine'
),
fleet AS (
    SELECT customer_id, coalesce(sum(units) FILTER (WHERE is_own), 0) AS own_units, sum(units) AS units FROM core.fleet GROUP BY customer_id
)
SELECT
    identity.customer_id,
    identity.name,
    identity.name_key,
    identity.tax_id,
    identity.phone,
    coalesce(region.country, identity.country, 'unknown') AS country,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    CASE WHEN identity.country IS NULL THEN region.is_domestic ELSE identity.country IN (FROM home) END AS is_domestic,
    coalesce(industry.industry, 'unknown') AS industry,
    coalesce(industry.industry_group, 'unknown') AS industry_group,
    identity.kind,
    identity.credit_grade,
    identity.relationship_level,
    coalesce(top.group_id, identity.customer_id) AS group_id,
    referred.referrer_id AS referred_by_customer_id,
    ordered.first_date AS first_order_date,
    ordered.last_date AS last_order_date,
    CASE
        WHEN bought.customer_id IS NOT NULL OR fleet.own_units > 0 THEN 'existing'
        WHEN fleet.units > 0 THEN 'competitor'
        WHEN NOT industry.is_served THEN 'outside_industry'
        ELSE 'prospect'
    END AS relationship
FROM core.customer_identity AS identity
LEFT JOIN top ON top.customer_id = identity.customer_id
LEFT JOIN referred ON referred.customer_id = identity.customer_id
LEFT JOIN ordered ON ordered.customer_id = identity.customer_id
LEFT JOIN bought ON bought.customer_id = identity.customer_id
LEFT JOIN fleet ON fleet.customer_id = identity.customer_id
LEFT JOIN core.region AS region
    ON region.province = CASE WHEN identity.country NOT IN (FROM home) THEN identity.country ELSE identity.province END
LEFT JOIN core.industry AS industry ON industry.industry = identity.industry
