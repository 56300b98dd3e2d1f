/* ---
description: Whether what holds from one day on, and no longer on another, holds on a day. An end that is not known has not come.
examples:
  in_force(DATE '2026-01-01', DATE '2026-07-01', DATE '2026-01-01'): true
  in_force(DATE '2026-01-01', DATE '2026-07-01', DATE '2026-07-01'): false
  in_force(DATE '2026-01-01', NULL, DATE '2030-01-01'): true
  in_force(DATE '2026-01-01', NULL, DATE '2025-12-31'): false
--- */
CREATE FUNCTION in_force(valid_from DATE, valid_to DATE, day DATE) RETURNS BOOLEAN
RETURN valid_from <= day AND (valid_to IS NULL OR valid_to > day);
