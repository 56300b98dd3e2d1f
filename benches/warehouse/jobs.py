"""What DuckDB and Polars are asked to do, each in a process of its own: jobs.py SYSTEM FILE OUT THREADS

`polars` and `duckdb` write the file as Hive partitions by `day`, zstd level 3 in row groups of 131,072. `count` says how
many rows, files and bytes there are.
"""

import json
import os
import pathlib
import sys

ROW_GROUP = 131_072
ZSTD_LEVEL = 3


def main() -> None:
    system, file, out, threads = sys.argv[1:]
    {"polars": with_polars, "duckdb": with_duckdb, "count": count}[system](file, out, int(threads))


def with_polars(file: str, out: str, threads: int) -> None:
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars as pl

    sink = {"compression": "zstd", "compression_level": ZSTD_LEVEL, "row_group_size": ROW_GROUP, "mkdir": True}
    pl.scan_parquet(file).sink_parquet(pl.PartitionBy(out, key="day", include_key=False), engine="streaming", **sink)


def with_duckdb(file: str, out: str, threads: int) -> None:
    import duckdb

    base = duckdb.connect(config={"threads": threads, "temp_directory": f"{out}.spill"})
    options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {ZSTD_LEVEL}, ROW_GROUP_SIZE {ROW_GROUP}"
    base.execute(f"COPY (FROM read_parquet('{file}')) TO '{out}' ({options}, PARTITION_BY (day))")


def count(_: str, out: str, __: int) -> None:
    import pyarrow.parquet

    files = [str(file) for file in pathlib.Path(out).rglob("*.parquet")]
    rows = sum(pyarrow.parquet.read_metadata(file).num_rows for file in files)
    sizes = [os.path.getsize(file) for file in files]
    print(json.dumps({"rows": rows, "files": len(files), "bytes": sum(sizes)}))


if __name__ == "__main__":
    main()
