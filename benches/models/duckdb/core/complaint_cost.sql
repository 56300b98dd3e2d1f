-- domain.md, section 6, customer.profit: what a complaint costs, per kind and priority.
FROM staged.complaint_cost
