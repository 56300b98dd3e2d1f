-- domain.md, section 2 and 3: who looks after an account, with the customer of the account.
SELECT held.account_id, held.role, held.manager, held.valid_from, held.valid_to, coalesce(account.customer_id, 'unknown') AS customer_id
FROM staged.crm_assignment AS held
LEFT JOIN core.account AS account ON account.account_id = held.account_id
