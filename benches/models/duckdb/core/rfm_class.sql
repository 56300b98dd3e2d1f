-- domain.md, section 2: classes of customers by the ranges of their RFM scores.
FROM staged.rfm_class
