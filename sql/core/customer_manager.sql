/* ---
description: >
  Who is the manager of a customer on which days, in spans that do not overlap (valid_to is the first day on which the
  span no longer holds). The manager is whoever has the role `manager` for an account of the customer; of two, the one
  assigned later, then the first by name. Days on which nobody is assigned lie in no span.
owner: sales-operations
key: [customer_id, valid_from]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  valid_from: { type: date, title: { zh: 起始日, en: Valid from }, description: First day of the span. }
  valid_to: { type: date, title: { zh: 截止日, en: Valid to }, description: First day after the span; NULL where it has no end. }
  manager: { type: string, title: { zh: 客户经理, en: Manager }, description: The manager. }
checks:
  - not_null: [customer_id, valid_from, manager]
  - unique: [customer_id, valid_from]
  - expr: valid_to > valid_from
--- */
WITH assigned_manager AS (
    SELECT customer_id, manager, valid_from, valid_to
    FROM core.assignment
    WHERE role = 'manager' AND customer_id <> 'unknown' AND (valid_to IS NULL OR valid_to > valid_from)
),

changed_day AS (
    SELECT customer_id, valid_from AS day FROM assigned_manager
    UNION
    SELECT customer_id, valid_to FROM assigned_manager WHERE valid_to IS NOT NULL
),

span AS (
    SELECT
        customer_id,
        day AS valid_from,
        lead(day) OVER (PARTITION BY customer_id ORDER BY day) AS valid_to
    FROM changed_day
),

candidate AS (
    SELECT
        span.customer_id,
        span.valid_from,
        span.valid_to,
        assigned.manager,
        row_number() OVER (
            PARTITION BY span.customer_id, span.valid_from
            ORDER BY assigned.valid_from DESC, assigned.manager
        ) AS place
    FROM span
    JOIN assigned_manager AS assigned
        ON assigned.customer_id = span.customer_id
        AND in_force(assigned.valid_from, assigned.valid_to, span.valid_from)
)

SELECT customer_id, valid_from, valid_to, manager
FROM candidate
WHERE place = 1
