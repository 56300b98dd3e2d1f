-- domain.md, section 6: required fields that are filled, and whether the record was verified not long ago.
WITH policy AS (
    SELECT max(value)::INT AS verified_months
    FROM core.policy
    WHERE key = 'customer.data_quality.verified_months'
        AND valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
verified AS (
    SELECT customer_id, max(verified_date) AS verified_date
    FROM core.account
    WHERE verified_date <= getvariable('run_date')
    GROUP BY customer_id
),
field AS (
    SELECT
        customer_id,
        unnest(range(1, 9)) AS place,
        unnest(['name', 'tax_id', 'phone', 'country', 'province', 'industry', 'kind', 'credit_grade']) AS field,
        unnest([name, tax_id, phone, country, province, industry, kind, credit_grade]) AS value,
        is_domestic
    FROM core.customer
),
counted AS (
    SELECT
        customer_id,
        count(*) AS required_count,
        count(*) FILTER (WHERE value <> 'unknown') AS filled_count,
        string_agg(field, ', ' ORDER BY place) FILTER (WHERE value IS NULL OR value = 'unknown') AS missing_fields
    FROM field
    WHERE field <> 'tax_id' OR is_domestic IS NOT false
    GROUP BY customer_id
)
SELECT
    counted.customer_id,
    counted.filled_count::DOUBLE / counted.required_count AS filled_share,
    coalesce(verified.verified_date > getvariable('run_date') - to_months(policy.verified_months), false) AS is_verified,
    counted.filled_count,
    counted.required_count,
    verified.verified_date,
    counted.missing_fields
FROM counted
CROSS JOIN policy
LEFT JOIN verified ON verified.customer_id = counted.customer_id
