"""What DuckDB and Polars are asked to do; run in a process of its own for each measurement.

    jobs.py SYSTEM JOB THREADS DATA OUT

SYSTEM is `duckdb` or `polars`. JOB `same` is tallyhouse's work: cells to the contract's types, codes mapped, faulty rows
kept aside, the latest row of each key, sorted by key within monthly Hive partitions, zstd level 3 in row groups of
131,072. JOB `bare` is a plain conversion: types and partitions, no key, no order, no care for faulty rows.

Where there was a choice of wording, the README tells what the others took.
"""

import os
import pathlib
import sys

ROW_GROUP = 131_072
ZSTD_LEVEL = 3
KEY = ["dealer_code", "order_no", "line_no"]
TYPES = {
    "dealer_code": "VARCHAR", "order_no": "VARCHAR", "line_no": "INTEGER", "order_date": "DATE", "shipped_date": "DATE",
    "updated_at": "TIMESTAMP", "line_kind": "VARCHAR", "product_code": "VARCHAR", "customer_name": "VARCHAR",
    "province": "VARCHAR", "quantity": "INTEGER", "unit_price": "DECIMAL(18,2)", "amount": "DECIMAL(18,2)",
}  # fmt: skip
CODES = {"整机": "machine", "配件": "part", "服务": "service", "退货": "return"}


def main() -> None:
    system, job, threads, data, out = sys.argv[1:]
    files = sorted(str(file) for file in pathlib.Path(data).glob("*.csv"))
    pathlib.Path(out).mkdir(parents=True)
    {"duckdb": duckdb_job, "polars": polars_job}[system](job, int(threads), files, out)


def duckdb_job(job: str, threads: int, files: list[str], out: str) -> None:
    """DuckDB: `read_csv` with `store_rejects`, `COPY … PARTITION_BY`."""
    import duckdb

    base = duckdb.connect(config={"threads": threads, "temp_directory": f"{out}/spill"})
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in TYPES.items())
    rejects = "store_rejects = true" if job == "same" else "ignore_errors = true"
    rows = f"read_csv({files}, auto_detect = false, header = true, delim = ',', quote = '\"', columns = {{{columns}}}, {rejects})"
    codes = " ".join(f"WHEN '{code}' THEN '{meaning}'" for code, meaning in CODES.items())
    kind = f"CASE line_kind {codes} ELSE error('unknown code') END AS line_kind"
    typed = f"SELECT * REPLACE ({kind}), date_trunc('month', order_date)::DATE AS order_month FROM {rows} WHERE order_no IS NOT NULL"
    key = ", ".join(KEY)
    latest = f"SELECT * FROM ({typed}) QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY updated_at DESC) = 1"
    query = {"same": f"{latest} ORDER BY order_month, {key}", "bare": typed}[job]
    options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {ZSTD_LEVEL}, ROW_GROUP_SIZE {ROW_GROUP}"
    base.execute(f"COPY ({query}) TO '{out}/staged' ({options}, PARTITION_BY (order_month))")
    if job == "same":
        base.execute(f"COPY (FROM reject_errors) TO '{out}/rejected.parquet' ({options})")


def polars_job(job: str, threads: int, files: list[str], out: str) -> None:
    """Polars, its streaming engine: `scan_csv`, `sink_parquet` partitioned."""
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars as pl

    sink = {"compression": "zstd", "compression_level": ZSTD_LEVEL, "row_group_size": ROW_GROUP, "mkdir": True}
    target = pl.PartitionBy(f"{out}/staged", key="order_month", include_key=False)
    month = pl.col("order_date").dt.truncate("1mo").alias("order_month")
    if job == "bare":
        schema = polars_types(pl)
        rows = pl.scan_csv(
            files, has_header=False, skip_rows=1, schema=schema, ignore_errors=True, truncate_ragged_lines=True
        )
        codes = pl.col("line_kind").replace_strict(CODES, return_dtype=pl.String)
        sound = rows.filter(pl.col("order_no").is_not_null()).with_columns(codes, month)
        sound.sink_parquet(target, engine="streaming", **sink)
        return
    # A cell beyond the last column is a fault: it is read as a column of its own.
    texts = dict.fromkeys([*TYPES, "surplus"], pl.String)
    rows = pl.scan_csv(files, has_header=False, skip_rows=1, schema=texts, missing_columns="insert")
    typed = {name: polars_parse(pl, name, kind) for name, kind in TYPES.items()}
    lost = [typed[name].is_null() & pl.col(name).is_not_null() for name, kind in TYPES.items() if kind != "VARCHAR"]
    required = [pl.col(name).is_null() for name in KEY]
    is_faulty = pl.any_horizontal(*lost, *required, pl.col("surplus").is_not_null())
    rows = rows.with_columns(is_faulty.alias("faulty"))
    sound = rows.filter(~pl.col("faulty")).select(**typed).with_columns(month)
    latest = sound.sort(*KEY, "updated_at").unique(KEY, keep="last", maintain_order=True)
    pl.collect_all(
        [
            latest.sink_parquet(target, lazy=True, **sink),
            rows.filter("faulty").sink_parquet(f"{out}/rejected.parquet", lazy=True, **sink),
        ],
        engine="streaming",
    )


def polars_types(pl) -> dict:
    """Returns the contract's types in Polars' words."""
    words = {"VARCHAR": pl.String, "INTEGER": pl.Int32, "DATE": pl.Date, "TIMESTAMP": pl.Datetime("us")}
    return {name: words.get(kind, pl.Decimal(18, 2)) for name, kind in TYPES.items()}


def polars_parse(pl, name: str, kind: str):
    """Returns the expression that turns a text column into its type; what does not parse becomes NULL."""
    column = pl.col(name)
    if name == "line_kind":
        return column.replace_strict(CODES, return_dtype=pl.String)
    if kind == "DATE":
        return column.str.to_date("%Y-%m-%d", strict=False)
    if kind == "TIMESTAMP":
        return column.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    return column if kind == "VARCHAR" else column.cast(polars_types(pl)[name], strict=False)


if __name__ == "__main__":
    main()
