#!/usr/bin/env python3
"""Reads a warehouse with DuckDB over and over, until its standard input ends, while runs publish into it and are killed.

    python watch.py warehouse LINES

`core.sale` must have LINES rows of each night, every id once, and the same sum of amounts each night; `core.night` must
know the same nights. Every round reads three ways: through `views.sql`, by a glob of the resolved snapshot, and by a glob
through `current` itself, which alone may find that a file is gone. Prints what was read as JSON; with the first torn read
it says which and leaves with exit code 1.
"""

import json
import sys
import threading
import time
from pathlib import Path

import duckdb

SALE = "SELECT count(*), count(DISTINCT id), count(DISTINCT night), count(DISTINCT night_sum) FROM (SELECT *, sum(amount) OVER (PARTITION BY night) AS night_sum FROM {})"
NIGHT = "SELECT count(*), count(DISTINCT night), count(DISTINCT amount) FROM {}"


def torn(sale, night, lines):
    """Says what is wrong with one reading, if anything is."""
    rows, ids, nights, sums = sale
    if rows != nights * lines or ids != rows or sums != 1:
        return f"core.sale has {rows} rows, {ids} ids and {sums} sums in {nights} nights of {lines} lines"
    if night is not None and night != (nights, nights, 1):
        return f"core.night has {night} (rows, nights, sums) beside {nights} nights of core.sale"
    return None


def through_views(snapshot):
    connection = duckdb.connect()
    connection.execute((snapshot / "views.sql").read_text())
    sale = connection.execute(SALE.format("core.sale")).fetchone()
    return sale, connection.execute(NIGHT.format("core.night")).fetchone()


def by_glob(folder):
    files = f"read_parquet('{folder}/core/sale/data/**/*.parquet', hive_partitioning = true)"
    return duckdb.connect().execute(SALE.format(files)).fetchone(), None


def main():
    warehouse, lines = Path(sys.argv[1]), int(sys.argv[2])
    is_over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), is_over.set()), daemon=True).start()
    reads, gone, snapshots = 0, 0, set()
    while not is_over.is_set():
        if not (warehouse / "current").exists():
            time.sleep(0.01)
            continue
        snapshot = (warehouse / "current").resolve()
        snapshots.add(snapshot.name)
        for read, place, may_be_gone in (
            (through_views, snapshot, False),
            (by_glob, snapshot, False),
            (by_glob, warehouse / "current", True),
        ):
            try:
                sale, night = read(place)
            except duckdb.IOException as error:
                if not may_be_gone:
                    sys.exit(f"{snapshot.name} cannot be read: {error}")
                gone += 1
                continue
            reads += 1
            if wrong := torn(sale, night, lines):
                sys.exit(f"torn through {place}: {wrong}")
    print(json.dumps({"reads": reads, "gone": gone, "snapshots": len(snapshots)}))


if __name__ == "__main__":
    main()
