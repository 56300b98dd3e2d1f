-- Deciders, and the day on which a visit first met each of them.
SELECT
    person.contact_id,
    person.account_id,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    met.first_met_date
FROM staged.crm_contact AS person
LEFT JOIN core.account AS account ON account.account_id = person.account_id
LEFT JOIN (SELECT contact_id, min(visited_on) AS first_met_date FROM staged.crm_visit GROUP BY contact_id) AS met USING (contact_id)
WHERE person.buying_role = 'decider'
