"""The cases of the bench: what is prepared, run and compared under which name.

A case is one command over one variant of the extracts. `against` names the case that its time is set in relation to, and
`target` the most that this ratio may be.
"""

import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pipeline

HERE = pathlib.Path(__file__).parent


@dataclass
class Bench:
    """Where things are, and what must come out."""

    data: pathlib.Path
    work: pathlib.Path
    binary: pathlib.Path
    threads: int
    truth: dict
    workbook_reader: pathlib.Path | None


@dataclass
class Case:
    """One measurement."""

    name: str
    system: str
    variant: str
    command: list[str]
    reads: pathlib.Path
    prepare: Callable[[], None]
    clean: Callable[[], None]
    tables: Callable[[], tuple[str, str]] | None = None
    keyed: bool = True
    against: list[tuple[str, float]] = field(default_factory=list)
    target: str = ""
    truth: str = ""


def chosen(bench: Bench, parts: list[str]) -> list[Case]:
    """Returns the cases whose extracts exist and whose names contain one of the parts, or are one behind a `=`."""
    every = [case for case in all_cases(bench) if case.variant in bench.truth]
    fits = lambda name, part: name == part[1:] if part.startswith("=") else part in name  # noqa: E731
    return [case for case in every if any(fits(case.name, part) for part in parts)]


def all_cases(bench: Bench) -> list[Case]:
    """Returns every case, in the order in which they run."""
    same, bare = "tallyhouse", "tallyhouse bare"
    cases = [
        tallyhouse(bench, same, "utf8", target=f"DuckDB, Polars / 4, wall and CPU; {memory_target(bench, 'utf8')}"),
        tallyhouse(bench, bare, "utf8", keyed=False, target="DuckDB bare / 2, Polars bare / 1"),
        other(bench, "duckdb", "same"),
        other(bench, "polars", "same"),
        other(bench, "duckdb", "bare"),
        other(bench, "polars", "bare"),
        again(bench, "tallyhouse, nothing changed", resend=False),
        again(bench, "tallyhouse, one file of 24 sent again", resend=True),
        tallyhouse(bench, "tallyhouse, GB18030", "gb18030", target="UTF-8 × 1.4", against=same),
        tallyhouse(bench, "tallyhouse, one file", "single", target="24 files × 1.0", against=same),
        tallyhouse(bench, "tallyhouse, 20,000 files", "small", target="24 files × 2.0", against=same),
        tallyhouse(bench, "tallyhouse, 256 MB", "utf8", options=["--memory-limit", "256M"], against=same),
        tallyhouse(bench, "tallyhouse, 64 MB", "utf8", options=["--memory-limit", "64M"], against=same),
        tallyhouse(bench, "tallyhouse, one thread", "utf8", options=["--threads", "1"], against=same),
    ]
    for variant in ("x2", "x4", "x10"):
        name, target = f"tallyhouse, {variant[1:]} times the input", memory_target(bench, variant)
        limit = ["--memory-limit", "256M"]
        cases.append(tallyhouse(bench, name, variant, target=target, against=same))
        cases.append(tallyhouse(bench, f"{name}, 256 MB", variant, options=limit, target=target, against=same))
    cases.append(tallyhouse(bench, "tallyhouse, workbook", "xlsx", form="xlsx", target="calamine's range reader × 1.15"))
    if bench.workbook_reader:
        cases.append(workbook_reader(bench, "calamine, workbook"))
        cases[-2].against = [cases[-1].name]
    return cases


def memory_target(bench: Bench, variant: str) -> str:
    """Returns the most memory that a run may hold: 400 MB and 24 bytes for each new key."""
    keys = bench.truth.get(variant, {"staged": 0})["staged"]
    return f"memory: {400 + 24 * keys / 1e6:.0f} MB"


def tallyhouse(
    bench: Bench,
    name: str,
    variant: str,
    keyed: bool = True,
    options: list[str] | None = None,
    form: str = "csv",
    target: str = "",
    against: str = "",
) -> Case:
    """A first run into an empty warehouse."""
    folder, reads = bench.work / "tallyhouse", bench.data / variant

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        pipeline.write(folder, f"{reads}/*", keyed, form)

    return Case(
        name,
        "tallyhouse",
        variant,
        run_command(bench, folder, options or []),
        reads,
        prepare,
        lambda: shutil.rmtree(folder, ignore_errors=True),
        lambda: pipeline.tables(folder),
        keyed,
        [against] if against else [],
        target,
        variant,
    )


def run_command(bench: Bench, folder: pathlib.Path, options: list[str]) -> list[str]:
    """Returns the command line of one run."""
    threads = [] if "--threads" in options else ["--threads", str(bench.threads)]
    return [str(bench.binary), "run", "--pipeline", str(folder / "bench.yaml"), *threads, *options]


def again(bench: Bench, name: str, resend: bool) -> Case:
    """A second run into a warehouse that a first run filled, with one of the files replaced or none."""
    folder, reads = bench.work / "again", bench.work / "again" / "extracts"

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        pipeline.write(folder, f"{reads}/*", keyed=True)
        reads.mkdir()
        for file in (bench.data / "utf8").iterdir():
            (reads / file.name).hardlink_to(file)
        subprocess.run(run_command(bench, folder, []), check=True, capture_output=True)
        for file in (bench.data / "resent").iterdir() if resend else ():
            (reads / file.name).unlink()
            shutil.copyfile(file, reads / file.name)

    return Case(
        name,
        "tallyhouse",
        "resent" if resend else "utf8",
        run_command(bench, folder, []),
        reads,
        prepare,
        lambda: shutil.rmtree(folder, ignore_errors=True),
        lambda: pipeline.tables(folder),
        True,
        ["tallyhouse"],
        "",
        "resent" if resend else "utf8",
    )


def other(bench: Bench, system: str, job: str) -> Case:
    """DuckDB or Polars over the same files."""
    folder, reads = bench.work / system, bench.data / "utf8"
    command = [sys.executable, str(HERE / "jobs.py"), system, job, str(bench.threads), str(reads), str(folder)]
    keyed = job == "same"

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    return Case(
        {"duckdb": "DuckDB", "polars": "Polars"}[system] + ("" if keyed else " bare"),
        system,
        "utf8",
        command,
        reads,
        prepare,
        prepare,
        lambda: (f"{folder}/staged/**/*.parquet", f"{folder}/rejected.parquet"),
        keyed,
        ["tallyhouse" if keyed else "tallyhouse bare"],
        "",
        "utf8",
    )


def workbook_reader(bench: Bench, name: str) -> Case:
    """calamine's own range reader over the workbook, nothing else."""
    reads = bench.data / "xlsx"
    command = [str(bench.workbook_reader), *map(str, reads.iterdir())] if reads.exists() else []
    return Case(name, "calamine", "xlsx", command, reads, lambda: None, lambda: None)


def disagreements(case: Case, wrote: dict, bench: Bench, results: dict) -> list[str]:
    """Compares what was written with the truth, and with what the others wrote of the same work."""
    if "error" in wrote:
        return [wrote["error"]]
    truth, found = bench.truth[case.truth], []
    faulty = sum(truth["faulty"].values())
    if case.system == "tallyhouse":
        expect(found, "rejected", wrote["rejected"], faulty)
    if case.keyed:
        expect(found, "rows", wrote["rows"], truth["staged"])
        expect(found, "sums by month", wrote["months"], truth["months"])
        if case.system == "tallyhouse":
            expect(found, "rows out of order", wrote["unsorted"], 0)
        others = [result["wrote"] for result in results.values() if result.get("truth") == case.truth]
        if others and others[0]["hash"] != wrote["hash"]:
            found.append("the rows are not those of the first system")
        results[case.name]["truth"] = case.truth
    elif case.system == "tallyhouse":
        expect(found, "rows", wrote["rows"], truth["sound"])
        expect(found, "sum", sum(wrote["months"].values()), truth["sound_cents"])
    return found


def expect(found: list[str], what: str, got: object, wanted: object) -> None:
    """Notes a difference."""
    if got != wanted:
        found.append(f"{what}: {str(got)[:200]} instead of {str(wanted)[:200]}")
