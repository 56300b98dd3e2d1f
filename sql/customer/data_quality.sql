/* ---
description: >
  How complete and fresh the record of a customer is. Required are name, phone, country, province, industry, kind and
  credit grade, and the tax id, which is not asked of customers abroad. A member `unknown` is not filled. Verified: one
  of its accounts in the CRM was verified within as many months as policy says; a customer without an account is not.
owner: data-platform
key: [customer_id]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  filled_share: { type: double, unit: share, title: { zh: 完整率, en: Filled }, description: Filled fields of those required. }
  is_verified: { type: boolean, title: { zh: 是否近期核实, en: Is verified }, description: Verified not too long ago. }
  filled_count: { type: bigint, unit: fields, title: { zh: 已填字段数, en: Filled fields }, description: Required fields that are filled. }
  required_count: { type: bigint, unit: fields, title: { zh: 必填字段数, en: Required fields }, description: Fields that are required. }
  verified_date: { type: date, title: { zh: 核实日期, en: Verified on }, description: Last verification. }
  missing_fields: { type: string, title: { zh: 缺失字段, en: Missing fields }, description: "Names of the required fields that are not filled, NULL where none is missing." }
checks:
  - not_null: [customer_id, filled_share, is_verified, filled_count, required_count]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - expr: filled_share between 0 and 1
  - expr: required_count in (7, 8)
  - expr: (missing_fields is null) = (filled_count = required_count)
  - expr: (SELECT count(*) FROM customer.data_quality) = (SELECT count(*) FROM core.customer)
    name: every_customer_has_a_row
--- */
WITH required_field AS (
    SELECT
        customer_id,
        coalesce(is_domestic, true) AS needs_tax_id,
        [
            CASE WHEN name IS NULL THEN 'name' END,
            CASE WHEN coalesce(is_domestic, true) AND tax_id IS NULL THEN 'tax_id' END,
            CASE WHEN phone IS NULL THEN 'phone' END,
            CASE WHEN country = 'unknown' THEN 'country' END,
            CASE WHEN province = 'unknown' THEN 'province' END,
            CASE WHEN industry = 'unknown' THEN 'industry' END,
            CASE WHEN kind IS NULL THEN 'kind' END,
            CASE WHEN credit_grade IS NULL THEN 'credit_grade' END
        ] AS missing_field
    FROM core.customer
),

listed_field AS (
    SELECT
        customer_id,
        CAST(CASE WHEN needs_tax_id THEN 8 ELSE 7 END AS BIGINT) AS required_count,
        nullif(array_to_string(missing_field, ', '), '') AS missing_fields
    FROM required_field
),

counted_field AS (
    SELECT
        *,
        required_count - CAST(coalesce(cardinality(string_to_array(missing_fields, ', ')), 0) AS BIGINT) AS filled_count
    FROM listed_field
),

verified_customer AS (
    SELECT
        customer_id,
        max(verified_date) AS verified_date
    FROM core.account
    WHERE verified_date <= $run_date
    GROUP BY customer_id
),

policy AS (
    -- the table has no period: the policy in force on run_date
    SELECT max(value) AS verified_months
    FROM core.policy
    WHERE key = 'customer.data_quality.verified_months' AND in_force(valid_from, valid_to, $run_date)
),

judged_customer AS (
    -- before it joins the others: whether another run date judges otherwise is then asked of few columns
    SELECT
        verified.customer_id,
        verified.verified_date,
        whole_months(verified.verified_date, $run_date) < policy.verified_months AS is_verified
    FROM verified_customer AS verified
    CROSS JOIN policy
)

SELECT
    field.customer_id,
    CAST(field.filled_count AS DOUBLE) / field.required_count AS filled_share,
    coalesce(verified.is_verified, false) AS is_verified,
    field.filled_count,
    field.required_count,
    verified.verified_date,
    field.missing_fields
FROM counted_field AS field
LEFT JOIN judged_customer AS verified ON verified.customer_id = field.customer_id
