"""Measures a night with few new records among many, beside the first run, which links all of them.

    run nights --data FOLDER/firms110000 --binary FILE [--new 1000] [--out FILE]

The model is pinned first, over all records but the new ones, which are spread over the whole file by a hash of their keys.
Then: a first run, a night with the new records, the same night once more without what the first run remembered, and a run
without any change. Out: a Markdown table: wall and CPU seconds, peak memory, and the share of the first run's CPU; how the
records were linked is the run's own word. Both nights must give the same files.
"""

import argparse
import csv
import hashlib
import json
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import project  # noqa: E402
from process import measured  # noqa: E402

TABLES = ("customer_xref", "customer_event", "customer_identity", "firm")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="a set of firms that `generate` wrote")
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--new", type=int, default=1000, help="how many records are new")
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    folder = arguments.data.resolve() / "nights"
    shutil.rmtree(folder, ignore_errors=True)
    old, new = split(arguments.data / "firm.csv", arguments.new)
    prepare(folder, old)
    results = nights(folder, arguments.binary.resolve(), old[:1] + new)
    print(markdown(results))
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1))


def split(path, count):
    """Returns the rows of a file but for some, and those, each list with the rows in the file's order."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    at = header.index("record_key")
    chosen = sorted(rows, key=lambda row: hashlib.sha256(row[at].encode()).digest())[:count]
    keys = {row[at] for row in chosen}
    return [header, *(row for row in rows if row[at] not in keys)], [row for row in rows if row[at] in keys]


def prepare(folder, rows):
    """Writes the project, which reads all files of one folder, and its first file."""
    folder.mkdir(parents=True)
    project.write(folder, ["firm"], project.FIRM)
    source, entity = folder / "pipelines/sources/firm.yaml", folder / "pipelines/entities/customer.yaml"
    source.write_text(source.read_text().replace("../../firm.csv", "../../in/*.csv"))
    entity.write_text(entity.read_text() + "model: customer.model.json\n")
    write(folder / "in/first.csv", rows)


def write(path, rows):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def nights(folder, binary, new):
    """Returns what each run took."""
    pipeline = ["--pipeline", folder / "pipelines/nightly.yaml"]
    command = [binary, "run", *pipeline, "--threads", "2", "--output", "json"]
    measured([binary, "identity", "train", *pipeline])
    results = {"everything": took(command)}
    # The pack's files are read-only and shared; a copy with hard links is a warehouse of its own.
    again = folder / "again"
    shutil.copytree(folder / "warehouse", again, symlinks=True)
    write(folder / "in/second.csv", new)
    results["a night with new records"] = took(command)
    found = files(folder / "warehouse")
    results["a night without changes"] = took(command)
    shutil.rmtree(folder / "warehouse")
    again.rename(folder / "warehouse")
    shutil.rmtree(folder / "warehouse/remembered", ignore_errors=True)
    results["the same night, nothing remembered"] = took(command)
    if files(folder / "warehouse") != found:
        raise SystemExit("a night that links only what changed gives other files than one that links all records")
    return results


def took(command):
    took = measured(command)
    entity = json.loads(took.out)["entities"][0]
    linking = entity.get("linking") or {}
    said = linking.get("all_because") or ("only what changed" if linking else "nothing read")
    return {
        "seconds": took.wall,
        "cpu": took.cpu,
        "mb": took.mb,
        "linked": said,
        "compared": linking.get("compared", 0),
        "records": entity["records"],
    }


def files(warehouse):
    """Returns the names of the data files of the entity's tables and of the staged one: each is the hash of its content."""
    folders = (warehouse / "current").resolve().glob("**/data/**/*.parquet")
    return sorted(path.name for path in folders if any(table in path.parts for table in TABLES))


def markdown(results):
    lines = ["| what | records | pairs | seconds | CPU s | share | MB | linked |", "|---|---:|---:|---:|---:|---:|---:|---|"]
    whole = results["everything"]["cpu"]
    for name, one in results.items():
        share = f"{one['cpu'] / whole:.1%}"
        lines.append(
            f"| {name} | {one['records']:,} | {one['compared']:,} | {one['seconds']:.1f} | {one['cpu']:.1f} | {share} "
            f"| {one['mb']:.0f} | {one['linked']} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
