-- The hours between two instants, by the clock around; negative where the second lies before the first.
CREATE FUNCTION elapsed_hours(since TIMESTAMP, until TIMESTAMP) RETURNS DOUBLE
RETURN CAST(CAST(until AS BIGINT) - CAST(since AS BIGINT) AS DOUBLE) / 3600000000;
