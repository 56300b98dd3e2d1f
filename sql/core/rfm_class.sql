/* ---
description: >
  Classes of customers by the ranges of their three RFM scores, both ends included. Together the ranges hold each of
  the 125 combinations of scores once.
owner: customer-management
key: [rfm_class]
columns:
  rfm_class: { type: string, title: { zh: 客户价值类型, en: RFM class }, description: "Class, such as important_value." }
  r_from: { type: int, title: { zh: R起, en: R from }, description: Lowest score of recency. }
  r_to: { type: int, title: { zh: R止, en: R to }, description: Highest score of recency. }
  f_from: { type: int, title: { zh: F起, en: F from }, description: Lowest score of frequency. }
  f_to: { type: int, title: { zh: F止, en: F to }, description: Highest score of frequency. }
  m_from: { type: int, title: { zh: M起, en: M from }, description: Lowest score of revenue. }
  m_to: { type: int, title: { zh: M止, en: M to }, description: Highest score of revenue. }
checks:
  - not_null: [rfm_class, r_from, r_to, f_from, f_to, m_from, m_to]
  - expr: r_from between 1 and r_to and f_from between 1 and f_to and m_from between 1 and m_to
  - expr: r_to <= 5 and f_to <= 5 and m_to <= 5
  - expr: (SELECT sum((r_to - r_from + 1) * (f_to - f_from + 1) * (m_to - m_from + 1)) FROM core.rfm_class) = 125
    name: the_classes_cover_all_scores
  - expr: (SELECT count(*) FROM core.rfm_class AS one JOIN core.rfm_class AS other ON one.rfm_class < other.rfm_class AND one.r_from <= other.r_to AND other.r_from <= one.r_to AND one.f_from <= other.f_to AND other.f_from <= one.f_to AND one.m_from <= other.m_to AND other.m_from <= one.m_to) = 0
    name: no_two_classes_overlap
--- */
SELECT
    rfm_class,
    r_from,
    r_to,
    f_from,
    f_to,
    m_from,
    m_to
FROM staged.rfm_class
