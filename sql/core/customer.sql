/* ---
description: >
  One row for each customer, with what is known of it as of run_date. Names, codes and grades are those that
  identification lets survive, from accounts as they are delivered today, also on a past run date. A province, region,
  country or industry that no reference names is the member `unknown`.
  Place: the country overseas, else the province. Rows that name nobody belong to the customer `unknown`, which has no
  row here. A customer that has no parent, or whose parents lead nowhere, is its own group: parents are those of its
  accounts, and where several of them have a parent of another customer the first account by number decides. Where the
  parents run in a circle the smallest of its customers stands for the group. Who referred it is taken from the account
  that was updated last among those that say so. First and last order are the days of orders (core.customer_order).
  Relationship: `existing` with an own machine line or an own machine in the latest census, `competitor` with machines
  of others alone, `outside_industry` where its industry is not served, else `prospect`; an unknown industry is not
  outside.
owner: customer-management
key: [customer_id]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  group_id: { type: string, title: { zh: 集团编号, en: Group }, description: "Customer at the top of the group, else its own." }
  name: { type: string, title: { zh: 客户名称, en: Name }, description: Name of the customer. }
  name_key: { type: string, title: { zh: 名称键, en: Name key }, description: The name without what its spellings differ in. }
  tax_id: { type: string, title: { zh: 统一社会信用代码, en: Tax ID }, description: Tax id where known. }
  phone: { type: string, title: { zh: 电话, en: Phone }, description: Phone where known. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  is_domestic: { type: boolean, title: { zh: 是否国内, en: Is domestic }, description: "In the home market; NULL where the country is not known." }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Member of core.industry. }
  industry_group: { type: string, title: { zh: 行业大类, en: Industry group }, description: Upper level of the industry. }
  kind: { type: string, title: { zh: 客户类别, en: Kind }, description: "Kind of customer, such as rental or government; NULL where not known." }
  credit_grade: { type: string, title: { zh: 信用等级, en: Credit grade }, description: "A to D; NULL where not graded." }
  relationship_level: { type: string, title: { zh: 关系等级, en: Relationship level }, description: "vendor, preferred, partner or alliance; NULL where not known." }
  first_order_date: { type: date, title: { zh: 首次订单日期, en: First order }, description: Day of the first order. }
  last_order_date: { type: date, title: { zh: 最近订单日期, en: Last order }, description: Day of the last order. }
  referred_by_customer_id: { type: string, title: { zh: 介绍人, en: Referred by }, description: Customer that recommended us. }
  relationship: { type: string, title: { zh: 客户关系, en: Relationship }, description: "existing, competitor, outside_industry or prospect." }
checks:
  - not_null: [customer_id, group_id, country, province, region, industry, industry_group, relationship]
  - relationships: { column: group_id, to: core.customer, field: customer_id }
  - relationships: { column: province, to: core.region, field: province }
  - relationships: { column: industry, to: core.industry, field: industry }
  - relationships: { column: referred_by_customer_id, to: core.customer, field: customer_id }
    severity: warn
  - accepted_values: { column: relationship, values: [existing, competitor, outside_industry, prospect] }
  - accepted_values: { column: credit_grade, values: [A, B, C, D] }
    severity: warn
  - expr: customer_id <> 'unknown'
  - expr: first_order_date <= last_order_date
  - expr: (first_order_date is null) = (last_order_date is null)
  - expr: referred_by_customer_id <> customer_id
  - expr: (SELECT count(*) FROM core.customer AS member JOIN core.customer AS head ON head.customer_id = member.group_id WHERE head.group_id <> head.customer_id) = 0
    name: the_head_of_a_group_belongs_to_it
  - expr: (SELECT count(DISTINCT customer_id) FROM core.sales WHERE customer_id <> 'unknown') = (SELECT count(DISTINCT line.customer_id) FROM core.sales AS line JOIN core.customer AS customer ON customer.customer_id = line.customer_id)
    name: every_customer_of_an_order_line_is_here
--- */
WITH RECURSIVE account_parent AS (
    SELECT
        account.customer_id,
        parent.customer_id AS parent_customer_id,
        row_number() OVER (PARTITION BY account.customer_id ORDER BY account.account_id) AS account_number
    FROM staged.crm_account AS account
    JOIN staged.crm_account AS parent ON parent.account_id = account.parent_account_id
    WHERE parent.customer_id <> account.customer_id
),

customer_parent AS (
    SELECT customer_id, parent_customer_id FROM account_parent WHERE account_number = 1
),

ancestor AS (
    -- UNION, not UNION ALL: parents that run in a circle come to an end
    SELECT customer_id, parent_customer_id AS ancestor_id FROM customer_parent
    UNION
    SELECT ancestor.customer_id, customer_parent.parent_customer_id
    FROM ancestor
    JOIN customer_parent ON customer_parent.customer_id = ancestor.ancestor_id
),

customer_group AS (
    -- the ancestor without a parent, else the smallest of the circle: those that are their own ancestors
    SELECT
        ancestor.customer_id,
        min(ancestor.ancestor_id) AS group_id
    FROM ancestor
    LEFT JOIN customer_parent ON customer_parent.customer_id = ancestor.ancestor_id
    LEFT JOIN ancestor AS circle ON circle.customer_id = ancestor.ancestor_id AND circle.ancestor_id = ancestor.ancestor_id
    WHERE customer_parent.customer_id IS NULL OR circle.customer_id IS NOT NULL
    GROUP BY ancestor.customer_id
),

referral AS (
    SELECT
        account.customer_id,
        referrer.customer_id AS referred_by_customer_id,
        row_number() OVER (PARTITION BY account.customer_id ORDER BY account.updated_at DESC, account.account_id) AS referral_number
    FROM staged.crm_account AS account
    JOIN staged.crm_account AS referrer ON referrer.account_id = account.referred_by_account_id
    WHERE referrer.customer_id <> account.customer_id
),

ordering_customer AS (
    SELECT
        customer_id,
        min(order_date) AS first_order_date,
        max(order_date) AS last_order_date
    FROM core.customer_order
    GROUP BY customer_id
),

machine_customer AS (
    SELECT DISTINCT customer_id
    FROM core.sales
    WHERE line_kind = 'machine'
),

fleet_customer AS (
    SELECT
        customer_id,
        sum(units) AS fleet_units,
        sum(CASE WHEN is_own THEN units ELSE 0 END) AS own_fleet_units
    FROM core.fleet
    GROUP BY customer_id
),

home_country AS (
    SELECT DISTINCT country FROM core.region WHERE is_domestic
),

placed_customer AS (
    -- domain.md, section 1, "Place": by country overseas, else by province
    SELECT
        customer.*,
        CASE
            WHEN customer.country IS NOT NULL AND home_country.country IS NULL THEN customer.country
            ELSE customer.province
        END AS place,
        CASE WHEN customer.country IS NOT NULL THEN home_country.country IS NOT NULL END AS is_home
    FROM core.customer_identity AS customer
    LEFT JOIN home_country ON home_country.country = customer.country
)

SELECT
    customer.customer_id,
    coalesce(customer_group.group_id, customer.customer_id) AS group_id,
    customer.name,
    customer.name_key,
    customer.tax_id,
    customer.phone,
    coalesce(region.country, customer.country, 'unknown') AS country,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(customer.is_home, region.is_domestic) AS is_domestic,
    coalesce(industry.industry, 'unknown') AS industry,
    coalesce(industry.industry_group, 'unknown') AS industry_group,
    customer.kind,
    customer.credit_grade,
    customer.relationship_level,
    ordering_customer.first_order_date,
    ordering_customer.last_order_date,
    referral.referred_by_customer_id,
    CASE
        WHEN machine_customer.customer_id IS NOT NULL OR fleet_customer.own_fleet_units > 0 THEN 'existing'
        WHEN fleet_customer.fleet_units > 0 THEN 'competitor'
        WHEN NOT industry.is_served THEN 'outside_industry'
        ELSE 'prospect'
    END AS relationship
FROM placed_customer AS customer
LEFT JOIN customer_group ON customer_group.customer_id = customer.customer_id
LEFT JOIN core.region AS region ON region.province = customer.place
LEFT JOIN core.industry AS industry ON industry.industry = customer.industry
LEFT JOIN ordering_customer ON ordering_customer.customer_id = customer.customer_id
LEFT JOIN machine_customer ON machine_customer.customer_id = customer.customer_id
LEFT JOIN fleet_customer ON fleet_customer.customer_id = customer.customer_id
LEFT JOIN referral ON referral.customer_id = customer.customer_id AND referral.referral_number = 1
