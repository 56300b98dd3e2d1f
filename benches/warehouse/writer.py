"""The partition writer alone, beside Polars' partitioned sink and DuckDB's COPY.

Rows of six columns, read from one Parquet file, are written zstd level 3 into 365 and 1,000 partitions, their days in no
order. Three variants of ours tell sorting and bloom filters apart: rows that come in the order of the files, rows in no
order, and the same with a key, whose columns get bloom filters. All hash and write statistics and a page index.
"""

import json
import pathlib
import shutil
import sys

from process import measured

HERE = pathlib.Path(__file__).parent
PARTITIONS = (365, 1_000)
# Bytes that the writer may hold; the rest up to the bar is for the reader and the files in progress.
WRITER_MB = 256
BAR_MB = 300


def measure(arguments) -> list[dict]:
    """Returns a line for each writer and number of partitions."""
    lines = []
    for count in PARTITIONS:
        data = {order: make(arguments, count, order) for order in ("ordered", "shuffled")}
        jobs = {name: job(arguments, name, data["ordered"]) for name in ("polars", "duckdb")}
        own = write(arguments, data["ordered"], [])
        sorting, bloom = write(arguments, data["shuffled"], []), write(arguments, data["shuffled"], ["--key", "id"])
        polars, duckdb = jobs["polars"], jobs["duckdb"]
        for took in (own, sorting, bloom, polars, duckdb):
            if took["rows"] != arguments.rows:
                raise SystemExit(f"{took['rows']} rows of {arguments.rows} were written")
        ratio, share = own["cpu"] / polars["cpu"], own["bytes"] / duckdb["bytes"]
        lines += [
            line(count, "tallyhouse", own, f"{ratio:.2f} × Polars' CPU, {share:.2f} × DuckDB's bytes", verdict(own, ratio, share)),
            line(count, "tallyhouse, rows to be sorted", sorting, f"sorting: {sorting['cpu'] - own['cpu']:+.1f} CPU s"),
            line(count, "tallyhouse, sorted with a key", bloom, f"bloom filters: {bloom['cpu'] - sorting['cpu']:+.1f} CPU s, {(bloom['bytes'] - sorting['bytes']) / 1e6:+.1f} MB"),
            line(count, "Polars", polars),
            line(count, "DuckDB", duckdb),
        ]  # fmt: skip
    return lines


def make(arguments, count: int, order: str) -> pathlib.Path:
    file = arguments.work / f"rows-{count}-{order}.parquet"
    if not file.exists():
        measured([sys.executable, HERE / "rows.py", file, arguments.rows, count, order])
    return file


def write(arguments, file: pathlib.Path, options: list[str]) -> dict:
    out = arguments.work / "written"
    command = [arguments.release / "examples/write_partitions", file, out, "--partition-by", "day"]
    took = measured([*command, "--memory", WRITER_MB, "--threads", arguments.threads, *options], threads=arguments.threads)
    shutil.rmtree(out)
    return vars(took) | json.loads(took.out)


def job(arguments, system: str, file: pathlib.Path) -> dict:
    out = arguments.work / f"written-{system}"
    took = measured([sys.executable, HERE / "jobs.py", system, file, out, arguments.threads], threads=arguments.threads)
    wrote = measured([sys.executable, HERE / "jobs.py", "count", file, out, arguments.threads])
    shutil.rmtree(out)
    return vars(took) | json.loads(wrote.out)


def line(count: int, what: str, took: dict, note: str = "", bar: str = "") -> dict:
    size = f"{took['bytes'] / 1e6:.1f} MB in {took['files']:,} files"
    return {name: took[name] for name in ("wall", "cpu", "mb")} | {
        "what": f"{count} partitions: {what}", "note": "; ".join(filter(None, [size, note])), "bar": bar,
    }  # fmt: skip


def verdict(own: dict, ratio: float, share: float) -> str:
    bars = {"CPU of Polars": ratio <= 1, f"{BAR_MB} MB": own["mb"] <= BAR_MB, "bytes of DuckDB": share <= 1}
    return ", ".join(f"{name}: {'met' if is_met else '**missed**'}" for name, is_met in bars.items())
