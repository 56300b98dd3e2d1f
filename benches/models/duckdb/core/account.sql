-- domain.md, section 1, "Place", and section 3: accounts with their customer and the members by which they are rolled up.
WITH placed AS (
    SELECT
        account.*,
        customer.customer_id IS NOT NULL AS has_customer,
        CASE
            WHEN account.country NOT IN (SELECT country FROM core.region WHERE is_domestic) THEN account.country
            WHEN account.province IS NOT NULL THEN account.province
            WHEN customer.country NOT IN (SELECT country FROM core.region WHERE is_domestic) THEN customer.country
            ELSE customer.province
        END AS place
    FROM staged.crm_account AS account
    LEFT JOIN core.customer_identity AS customer ON customer.customer_id = account.customer_id
)
SELECT
    account.account_id,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    account.name,
    coalesce(account.kind, 'unknown') AS kind,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, account.country, 'unknown') AS country,
    coalesce(industry.industry, 'unknown') AS industry,
    coalesce(industry.industry_group, 'unknown') AS industry_group,
    account.size_revenue_amount,
    account.employee_count,
    account.credit_grade,
    account.relationship_level,
    account.parent_account_id,
    account.referred_by_account_id,
    account.agreement_from AS agreement_date,
    account.verified_on AS verified_date
FROM placed AS account
LEFT JOIN core.region AS region ON region.province = account.place
LEFT JOIN core.industry AS industry ON industry.industry = account.industry
