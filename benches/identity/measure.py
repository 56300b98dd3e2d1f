"""Links the sets that `generate` wrote with Splink and with tallyhouse, and says how good and how dear both are.

    run measure --data FOLDER --binary FILE [--only febrl1,febrl4] [--out FILE]

Out: a Markdown table: pairwise and B-cubed F1 of the clusters at a probability of 0.95, which was chosen before any truth was
looked at; wall and CPU seconds and peak memory of the whole process, starting included. Of Splink, whose links may be better than
its clusters or worse, the better pairwise F1 of the two counts. `run splink` says which settings it has.
"""

import argparse
import json
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import duckdb  # noqa: E402
import score  # noqa: E402
from process import measured  # noqa: E402


def main():
    arguments = parse_arguments()
    results = {}
    for folder in sorted(path.parent for path in arguments.data.resolve().glob("*/truth.csv")):
        if arguments.only and folder.name not in arguments.only.split(","):
            continue
        truth = score.read_clusters(folder / "truth.csv")
        results[folder.name] = {
            "splink": splink(folder, truth),
            "tallyhouse": tallyhouse(folder, arguments.binary.resolve(), truth),
        }
    print(markdown(results))
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="", help="names of sets")
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


def splink(folder, truth):
    out = folder / "splink.csv"
    script = "splink_firms.py" if is_of_firms(folder) else "splink_persons.py"
    took = measured([sys.executable, HERE / script, "--set", folder, "--out", out])
    figures = score.score(score.read_clusters(out), truth)
    links = score.score_links(score.read_links(out.with_suffix(".links.csv")), truth)
    figures["pairwise"] = max(figures["pairwise"], links, key=lambda rates: rates["f1"])
    return {**figures, "seconds": took.wall, "cpu": took.cpu, "mb": took.mb}


def tallyhouse(folder, binary, truth):
    shutil.rmtree(folder / "warehouse", ignore_errors=True)
    took = measured([binary, "run", "--pipeline", folder / "pipelines/nightly.yaml", "--threads", "2"])
    entity = "customer" if is_of_firms(folder) else "person"
    xref = (folder / "warehouse/current").resolve().glob(f"**/{entity}_xref/data/**/*.parquet")
    rows = duckdb.sql(
        f"SELECT source, source_key, {entity}_id FROM read_parquet({[str(path) for path in xref]})"
    ).fetchall()
    clusters = {(source, key): person for source, key, person in rows}
    return {**score.score(clusters, truth), "seconds": took.wall, "cpu": took.cpu, "mb": took.mb}


def is_of_firms(folder):
    return (folder / "firm.csv").exists()


def markdown(results):
    lines = [
        "| set | tool | precision | recall | F1 | B-cubed F1 | seconds | CPU s | MB |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, tools in results.items():
        for tool, figures in tools.items():
            pairwise = figures["pairwise"]
            shares = [pairwise["precision"], pairwise["recall"], pairwise["f1"], figures["b_cubed"]["f1"]]
            cells = [f"{share:.4f}" for share in shares] + [f"{figures[key]:.1f}" for key in ("seconds", "cpu")]
            lines.append(f"| {name} | {tool} | {' | '.join(cells)} | {figures['mb']:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
