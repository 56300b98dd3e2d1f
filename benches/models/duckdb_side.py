"""Computes one table with DuckDB and writes it as Parquet. In: a warehouse, a table, a folder. Out: what it took, as JSON.

Partitions are those of the published table, compressed as tallyhouse compresses. Rows may come in any order. Opening the views
is timed apart from computing and writing.
"""

import argparse
import json
import pathlib
import resource
import time

from opened import connect, name, second_implementations


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("warehouse", type=pathlib.Path)
    parser.add_argument("table")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--timezone", default="Asia/Shanghai")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="4GB")
    arguments = parser.parse_args()
    connection, manifest = connect(arguments.warehouse, arguments.timezone)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for setting in (
        f"threads = {arguments.threads}",
        f"memory_limit = '{arguments.memory}'",
        "preserve_insertion_order = false",
        f"temp_directory = '{arguments.folder / 'spilled'}'",
    ):
        connection.execute(f"SET {setting}")
    opened_mb = peak_mb()
    sql = second_implementations()[arguments.table].read_text(encoding="utf-8")
    command = copy(sql, manifest["tables"][arguments.table]["partition_by"], arguments.folder)
    wall, cpu = time.monotonic(), time.process_time()
    connection.execute(command)
    took = {"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps(took | {"mb": peak_mb(), "opened_mb": opened_mb}))


def copy(sql, partition_by, folder):
    """Returns the statement that writes a query as tallyhouse lays out the table."""
    options = ["FORMAT parquet", "COMPRESSION zstd", "COMPRESSION_LEVEL 3"]
    if partition_by:
        options.append(f"PARTITION_BY ({', '.join(map(name, partition_by))})")
    target = folder / "data" if partition_by else folder / "data.parquet"
    return f"COPY ({sql}\n) TO '{target}' ({', '.join(options)})"


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
