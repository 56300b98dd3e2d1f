-- domain.md, section 2: actions and reviews of account plans, with the customer of the account.
SELECT plan.* RENAME (due_on AS due_date, done_on AS done_date), coalesce(account.customer_id, 'unknown') AS customer_id
FROM staged.plan_action AS plan
LEFT JOIN core.account AS account USING (account_id)
