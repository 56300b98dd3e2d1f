/* ---
description: The hours between two instants, by the clock around; negative where the second lies before the first.
examples:
  elapsed_hours(TIMESTAMP '2026-06-01T08:00:00Z', TIMESTAMP '2026-06-02T09:30:00Z'): 25.5
  elapsed_hours(TIMESTAMP '2026-06-02T00:00:00Z', TIMESTAMP '2026-06-01T23:00:00Z'): -1
  elapsed_hours(NULL, TIMESTAMP '2026-06-01T23:00:00Z'): null
--- */
CREATE FUNCTION elapsed_hours(since TIMESTAMP, until TIMESTAMP) RETURNS DOUBLE
RETURN CAST(CAST(until AS BIGINT) - CAST(since AS BIGINT) AS DOUBLE) / 3600000000;
