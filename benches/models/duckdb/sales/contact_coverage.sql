-- domain.md, section 7: decision makers known and met. Persons of accounts that the CRM does not hold keep a row.
WITH first_meeting AS (
    SELECT contact_id, min(visited_on) AS first_met_date FROM staged.crm_visit WHERE contact_id IS NOT NULL GROUP BY contact_id
),
counted_person AS (
    SELECT account_id, count(*) AS known_count, count(first_met_date) AS met_count, max(first_met_date) AS last_first_met_date
    FROM staged.crm_contact LEFT JOIN first_meeting USING (contact_id)
    WHERE buying_role = 'decider'
    GROUP BY account_id
)
SELECT
    coalesce(account.account_id, person.account_id) AS account_id,
    coalesce(person.known_count, 0) AS decision_makers_known_count,
    coalesce(person.met_count, 0) AS decision_makers_met_count,
    person.met_count::DOUBLE / nullif(person.known_count, 0) AS met_share,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    person.last_first_met_date
FROM core.account AS account
FULL JOIN counted_person AS person ON person.account_id = account.account_id
