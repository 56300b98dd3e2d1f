"""Reads what a system wrote, and prints what it holds as JSON; run in a process of its own.

    verify.py STAGED_GLOB REJECTED_GLOB

Prints the number of rows, the sum of amounts of each month in cents, a hash of all rows that does not depend on their
order, how many rows stand behind a greater key in their file, and how many rows are rejected.
"""

import glob
import json
import sys

import duckdb

COLUMNS = """dealer_code, order_no, line_no::INTEGER, order_date::DATE, shipped_date::DATE,
    epoch_us(updated_at::TIMESTAMP), line_kind, product_code, customer_name, province, quantity::INTEGER,
    unit_price::DECIMAL(18,2), amount::DECIMAL(18,2)"""


def main() -> None:
    staged, rejected = sys.argv[1:]
    base = duckdb.connect(config={"threads": 2, "memory_limit": "4GB"})
    base.execute("SET TimeZone = 'UTC'")
    rows = f"read_parquet('{staged}', hive_partitioning = true, hive_types_autocast = false, file_row_number = true, filename = true)"
    months = base.execute(
        f"SELECT order_month[:7] AS month, count(*), (sum(amount) * 100)::BIGINT, sum(hash({COLUMNS})) FROM {rows} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    print(
        json.dumps(
            {
                "rows": sum(row[1] for row in months),
                "months": {str(row[0]): row[2] for row in months},
                "hash": str(sum(int(row[3]) for row in months)),
                "unsorted": unsorted(base, rows),
                "rejected": count_rejected(base, rejected),
            }
        )
    )


def unsorted(base: duckdb.DuckDBPyConnection, rows: str) -> int:
    """Counts rows whose key is smaller than that of the row before in the same file."""
    key = "(dealer_code, order_no, line_no)"
    before = f"lag({key}) OVER (PARTITION BY filename ORDER BY file_row_number)"
    query = f"SELECT count(*) FROM (SELECT {key} AS key, {before} AS before FROM {rows}) WHERE before > key"
    return base.execute(query).fetchone()[0]


def count_rejected(base: duckdb.DuckDBPyConnection, rejected: str) -> int | None:
    """Counts the lines that were kept aside; a line with several faults counts once."""
    files = glob.glob(rejected, recursive=True)
    if not files:
        return None
    names = {row[0] for row in base.execute("DESCRIBE SELECT * FROM read_parquet(?)", [files]).fetchall()}
    place = "(file_id, line)" if "file_id" in names else "(file, line)" if "line" in names else None
    count = f"count(DISTINCT {place})" if place else "count(*)"
    return base.execute(f"SELECT {count} FROM read_parquet(?)", [files]).fetchone()[0]


if __name__ == "__main__":
    main()
