/* ---
description: The instant so many hours later, by the clock around.
examples:
  hours_later(TIMESTAMP '2026-06-01T23:00:00Z', 1.5): 2026-06-02T00:30:00Z
  hours_later(TIMESTAMP '2026-06-01T00:00:00Z', -24): 2026-05-31T00:00:00Z
--- */
CREATE FUNCTION hours_later(instant TIMESTAMP, hours DOUBLE) RETURNS TIMESTAMP
RETURN arrow_cast(
    CAST(instant AS BIGINT) + CAST(hours * 3600000000 AS BIGINT),
    'Timestamp(Microsecond, Some("UTC"))'
);
