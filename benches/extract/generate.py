"""Makes the extracts of the bench, and the truth about them.

    run generate --out FOLDER [--lines 8000000] [--variants utf8,gb18030,single,small,resent,xlsx,x2,x4]

One folder for each variant, and `truth.json`: for each variant how many lines there are, how many must be staged, how
many are faulty by kind, how many are replaced by a newer line, and the sum of the amounts of each month in cents.
"""

import argparse
import datetime
import json
import multiprocessing
import pathlib
import shutil
from collections import Counter

import numpy as np
import polars as pl
import xlsxwriter

import orders

RESENT_GROUP = 7
SMALL_LINES = 400
WORKBOOK_LINES = 200_000


def main() -> None:
    arguments = parse_arguments()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    path = out / "truth.json"
    truth = json.loads(path.read_text()) if path.exists() else {}
    each = round(arguments.lines / orders.GROUPS / 1.01)
    for variant in arguments.variants.split(","):
        truth[variant] = make(variant, fresh(out / variant), each, arguments.processes)
        path.write_text(json.dumps(truth, indent=1, ensure_ascii=False))
        print(f"{variant}: {truth[variant]['lines']} lines, {truth[variant]['bytes'] / 1e6:.0f} MB", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--lines", type=int, default=8_000_000)
    parser.add_argument("--variants", default="utf8,gb18030,single,small,resent,xlsx")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def fresh(folder: pathlib.Path) -> pathlib.Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def make(variant: str, folder: pathlib.Path, each: int, processes: int) -> dict:
    """Writes one variant and returns its truth."""
    groups = {"x2": 2, "x4": 4, "x10": 10}.get(variant, 1) * orders.GROUPS
    if variant == "xlsx":
        each = min(each, round(WORKBOOK_LINES / orders.GROUPS / 1.01))
    jobs = [(variant, folder, group, each, groups) for group in range(groups)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        truths = pool.starmap(write_group, jobs, chunksize=1)
    if variant == "single":
        join(folder)
    if variant == "xlsx":
        write_workbook(folder, each)
    truth = total(truths)
    truth["bytes"] = sum(file.stat().st_size for file in folder.iterdir())
    truth["files"] = len(list(folder.iterdir()))
    return truth


def write_group(variant: str, folder: pathlib.Path, number: int, each: int, groups: int) -> dict:
    """Writes the file or files of one group and returns what is true about its lines."""
    group = orders.group_lines(number, each, groups, corrected=variant == "resent" and number == RESENT_GROUP)
    name = f"group_{number + 1:03}"
    text = ",".join(orders.COLUMNS) + "\n"
    if variant != "xlsx":
        text += group.frame.write_csv(include_header=False, quote_style="never")
    if variant == "small":
        write_small(folder, name, text)
    elif variant == "gb18030":
        (folder / f"{name}.csv").write_bytes(text.encode("gb18030"))
    elif variant == "resent" and number != RESENT_GROUP:
        pass  # only the file that is sent again: the others are those of `utf8`
    elif variant != "xlsx":
        (folder / f"{name}.csv").write_bytes(text.encode())
    return truth_of(group)


def write_small(folder: pathlib.Path, name: str, text: str) -> None:
    """Writes the lines in files of `SMALL_LINES`, each with the header."""
    header, *lines = text.encode().split(b"\n")[:-1]
    for part, start in enumerate(range(0, len(lines), SMALL_LINES)):
        content = b"\n".join([header, *lines[start : start + SMALL_LINES], b""])
        (folder / f"{name}_{part:04}.csv").write_bytes(content)


def join(folder: pathlib.Path) -> None:
    """Makes one file of all, with one header."""
    parts = sorted(folder.iterdir())
    with open(folder / "orders.csv", "wb") as joined:
        for position, part in enumerate(parts):
            content = part.read_bytes()
            joined.write(content if position == 0 else content[content.index(b"\n") + 1 :])
            part.unlink()


def write_workbook(folder: pathlib.Path, each: int) -> None:
    """Writes the lines as a sheet with true dates and numbers; faulty cells stay text, also what is a surplus cell in CSV."""
    frame = pl.concat([orders.group_lines(number, each).frame for number in range(orders.GROUPS)])
    cells = frame.with_columns(pl.col("客户名称").str.strip_chars('"'))
    book = xlsxwriter.Workbook(folder / "orders.xlsx", {"constant_memory": False})
    sheet = book.add_worksheet("订单")
    dates = {3: "yyyy-mm-dd", 4: "yyyy-mm-dd", 5: "yyyy-mm-dd hh:mm:ss"}
    dates = {column: book.add_format({"num_format": form}) for column, form in dates.items()}
    sheet.write_row(0, 0, orders.COLUMNS)
    for row, values in enumerate(cells.iter_rows(), start=1):
        write_row(sheet, row, values, dates)
    book.close()


def write_row(sheet, row: int, values: tuple, dates: dict) -> None:
    """Writes one row; what does not parse as its column's type is written as text."""
    for column, value in enumerate(values):
        if value is None or value == "":
            continue
        try:
            if column in dates:
                sheet.write_datetime(row, column, datetime.datetime.fromisoformat(value), dates[column])
            elif column in (2, 10, 11, 12):
                sheet.write_number(row, column, float(value))
            else:
                sheet.write_string(row, column, value)
        except ValueError:
            sheet.write_string(row, column, value)


def truth_of(group: orders.Group) -> dict:
    """Counts the lines of one group, and sums the amounts of those that must be staged by month."""
    sound = group.fault < 0
    staged = sound & ~group.replaced
    months, position = np.unique(group.month[staged], return_inverse=True)
    cents = np.zeros(len(months), np.int64)
    np.add.at(cents, position, group.cents[staged])
    all_cents = int(group.cents[sound].sum())
    return {
        "lines": len(sound),
        "sound": int(sound.sum()),
        "sound_cents": all_cents,
        "staged": int(staged.sum()),
        "replaced": int((sound & group.replaced).sum()),
        "faulty": {name: int((group.fault == code).sum()) for code, name in enumerate(orders.FAULTS)},
        "months": {str(month): int(value) for month, value in zip(months, cents, strict=True)},
    }


def total(truths: list[dict]) -> dict:
    """Adds up the groups."""
    sums: dict = {name: sum(truth[name] for truth in truths) for name in ("lines", "sound", "sound_cents", "staged", "replaced")}
    for name in ("faulty", "months"):
        sums[name] = dict(sorted(sum((Counter(truth[name]) for truth in truths), Counter()).items()))
    return sums


if __name__ == "__main__":
    main()
