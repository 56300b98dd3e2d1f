/* ---
kind: view
description: >
  Persons with the buying role of a decider, each once, with the account and customer to which they belong and the day
  on which a visit first met them (NULL while none has), whatever account the visit was to. A view, so that no person
  is published.
--- */
WITH meeting AS (
    SELECT contact_id, min(visited_on) AS first_met_date
    FROM staged.crm_visit
    WHERE contact_id IS NOT NULL
    GROUP BY contact_id
)

SELECT
    contact.contact_id,
    contact.account_id,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    meeting.first_met_date
FROM staged.crm_contact AS contact
LEFT JOIN core.account AS account ON account.account_id = contact.account_id
LEFT JOIN meeting ON meeting.contact_id = contact.contact_id
WHERE contact.buying_role = 'decider'
