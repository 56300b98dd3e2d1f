-- 1 where a thing was done by its limit, which itself is in time; 0 where it was done later, or was not done and the limit had
-- passed when `ended_at` came; NULL where there is no limit, or it is still open.
CREATE FUNCTION kept_limit(done_at TIMESTAMP, due_at TIMESTAMP, ended_at TIMESTAMP) RETURNS INT
RETURN CASE
    WHEN due_at IS NULL THEN NULL
    WHEN done_at <= due_at THEN 1
    WHEN done_at IS NOT NULL OR due_at < ended_at THEN 0
END;
