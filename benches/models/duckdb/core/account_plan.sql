-- domain.md, section 2: plans of accounts as delivered, whatever the run date, with the customer of the account.
SELECT plan.*, coalesce(account.customer_id, 'unknown') AS customer_id
FROM staged.account_plan AS plan
LEFT JOIN core.account AS account USING (account_id)
