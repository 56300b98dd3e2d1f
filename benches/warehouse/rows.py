"""Makes the rows of `writer`: rows.py FILE ROWS PARTITIONS ordered|shuffled

Six columns: a number, a day (the partition; every day stands everywhere), a customer of 100,000, a product of 2,000, a
quantity, an amount. `ordered` counts the numbers up, so that each partition's rows come in order.
"""

import sys

import numpy
import pyarrow
import pyarrow.parquet

CHUNK_ROWS = 1_000_000


def main() -> None:
    file, rows, partitions, order = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    random = numpy.random.default_rng(2026)
    numbers = numpy.arange(rows) if order == "ordered" else random.permutation(rows)
    writer = None
    for start in range(0, rows, CHUNK_ROWS):
        table = chunk(random, numbers[start : start + CHUNK_ROWS], partitions)
        writer = writer or pyarrow.parquet.ParquetWriter(file, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=131_072)
    writer.close()


def chunk(random, numbers, partitions: int) -> pyarrow.Table:
    count = len(numbers)
    customers = pyarrow.array([f"customer {number:06}" for number in random.integers(0, 100_000, count)])
    products = pyarrow.array([f"TG-{number:04}B" for number in random.integers(0, 2_000, count)])
    amounts = pyarrow.array(random.integers(100, 100_000_000, count) / 100.0)
    return pyarrow.table(
        {
            "id": pyarrow.array(numbers, pyarrow.int64()),
            "day": pyarrow.array((20_000 + random.integers(0, partitions, count)).astype("int32"), pyarrow.date32()),
            "customer": customers,
            "product": products,
            "quantity": pyarrow.array(random.integers(1, 500, count).astype("int32")),
            "amount": amounts.cast(pyarrow.decimal128(18, 2)),
        }
    )


if __name__ == "__main__":
    main()
