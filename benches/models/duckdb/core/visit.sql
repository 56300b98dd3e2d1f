-- domain.md, section 3: visits with the customer and the place of the account.
SELECT
    visit.visit_id,
    visit.account_id,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    visit.visited_on AS visited_date,
    date_trunc('month', visit.visited_on)::DATE AS month,
    visit.minutes::BIGINT AS minutes,
    visit.visitor,
    coalesce(visit.visitor_role, 'unknown') AS visitor_role,
    person.buying_role,
    visit.opportunity_id,
    visit.report_filed_on AS report_filed_date,
    visit.purpose,
    coalesce(account.province, 'unknown') AS province,
    coalesce(account.region, 'unknown') AS region,
    coalesce(account.country, 'unknown') AS country
FROM staged.crm_visit AS visit
LEFT JOIN core.account AS account ON account.account_id = visit.account_id
LEFT JOIN staged.crm_contact AS person ON person.contact_id = visit.contact_id
