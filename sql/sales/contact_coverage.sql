/* ---
description: >
  Whom we know at each account: contact persons with the buying role of a decider, and those of them whom a visit has
  met, on any day up to run_date, whoever visited and whichever account the visit was to. An account that has contact
  persons but no record of its own has a row, with the customer `unknown`.
owner: sales-operations
key: [account_id]
columns:
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Number of the account. }
  decision_makers_known_count: { type: bigint, unit: people, title: { zh: 已知决策人数, en: Decision makers known }, description: Deciders in the CRM. }
  decision_makers_met_count: { type: bigint, unit: people, title: { zh: 已见决策人数, en: Decision makers met }, description: Those whom a visit has met. }
  met_share: { type: double, unit: share, title: { zh: 已见占比, en: Met share }, description: "Met of known; NULL where none is known." }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer of the account. }
  last_first_met_date: { type: date, title: { zh: 最近新见决策人日期, en: Last first meeting }, description: Day on which a decider was last met for the first time. }
checks:
  - not_null: [account_id, decision_makers_known_count, decision_makers_met_count, customer_id]
  - expr: decision_makers_met_count between 0 and decision_makers_known_count
  - expr: (met_share is null) = (decision_makers_known_count = 0)
  - expr: (SELECT sum(decision_makers_known_count) FROM sales.contact_coverage) = (SELECT count(*) FROM core.decision_maker)
    name: no_decision_maker_is_lost
--- */
WITH met_account AS (
    SELECT
        account_id,
        count(*) AS known_count,
        count(first_met_date) AS met_count,
        max(first_met_date) AS last_first_met_date
    FROM core.decision_maker
    GROUP BY account_id
)

SELECT
    coalesce(account.account_id, met_account.account_id) AS account_id,
    coalesce(met_account.known_count, 0) AS decision_makers_known_count,
    coalesce(met_account.met_count, 0) AS decision_makers_met_count,
    CAST(met_account.met_count AS DOUBLE) / nullif(met_account.known_count, 0) AS met_share,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    met_account.last_first_met_date
FROM core.account AS account
FULL JOIN met_account ON met_account.account_id = account.account_id
