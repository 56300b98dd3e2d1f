/* ---
description: >-
  1 where a thing was done by its limit, which itself is in time; 0 where it was done later, or was not done and the limit had
  passed when `ended_at` came; NULL where there is no limit, or it is still open.
examples:
  kept_limit(TIMESTAMP '2026-06-02T00:00:00Z', TIMESTAMP '2026-06-02T00:00:00Z', TIMESTAMP '2026-06-30T00:00:00Z'): 1
  kept_limit(TIMESTAMP '2026-06-03T00:00:00Z', TIMESTAMP '2026-06-02T00:00:00Z', TIMESTAMP '2026-06-30T00:00:00Z'): 0
  kept_limit(NULL, TIMESTAMP '2026-06-02T00:00:00Z', TIMESTAMP '2026-06-30T00:00:00Z'): 0
  kept_limit(NULL, TIMESTAMP '2026-07-02T00:00:00Z', TIMESTAMP '2026-06-30T00:00:00Z'): null
  kept_limit(TIMESTAMP '2026-06-02T00:00:00Z', NULL, TIMESTAMP '2026-06-30T00:00:00Z'): null
--- */
CREATE FUNCTION kept_limit(done_at TIMESTAMP, due_at TIMESTAMP, ended_at TIMESTAMP) RETURNS INT
RETURN CASE
    WHEN due_at IS NULL THEN NULL
    WHEN done_at <= due_at THEN 1
    WHEN done_at IS NOT NULL OR due_at < ended_at THEN 0
END;
