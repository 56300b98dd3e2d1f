"""What a night costs beside a full build, over the extracts of the shipped generator.

Each night has `run_date` moved on by one day from the night before. Between the nights: nothing; one day's new files, in
which each dealer with plain CSV files sends new order lines of that day, as many in all as a day has on average; one
order line of two years ago with another salesperson. The run's own report says what was rebuilt and why.
"""

import collections
import csv
import datetime
import json
import pathlib
import random
import shutil
import sys

from process import measured

REPOSITORY = pathlib.Path(__file__).parents[2]
RUN_DATE = datetime.date(2026, 6, 30)
DAYS = 3 * 365
BARS = {"idle night": 0.01, "one day's new files": 0.10, "one corrected line of two years ago": 0.05}
# What the runtime and the code need besides the memory that is shared out.
BAR_MB = 256
LIMIT_MB = 2_048


def measure(arguments) -> list[dict]:
    """Returns a line for the full build and each night, with what was rebuilt."""
    if not arguments.market:
        raise SystemExit("`nights` needs --market, what generate_extracts wrote")
    market = Market(arguments)
    full = market.night("full build", 0)
    lines = [full | {"note": market.note, "bar": memory_bar(full)}]
    changes = {"idle night": lambda _: None, "one day's new files": market.send_day, "one corrected line of two years ago": market.correct}
    for number, (name, change) in enumerate(changes.items(), start=1):
        change(RUN_DATE + datetime.timedelta(days=number))
        took = market.night(name, number)
        share = took["cpu"] / full["cpu"]
        bar = f"≤ {BARS[name]:.0%}: {'met' if share <= BARS[name] else '**missed**'}"
        lines.append(took | {"note": f"{share:.1%} of the full build; {market.note}", "bar": f"{bar}; {memory_bar(took)}", "told": market.told})
    return lines


def memory_bar(took: dict) -> str:
    most = LIMIT_MB + BAR_MB
    return f"{most:,} MB: {'met' if took['mb'] <= most else '**missed**'}"


class Market:
    """The shipped pipeline over a copy of generated extracts."""

    def __init__(self, arguments):
        self.arguments, self.note, self.told = arguments, "", ""
        folder = arguments.work / "nights"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(arguments.market / "extracts", folder / "extracts")
        for part in ("pipelines", "sql"):
            shutil.copytree(REPOSITORY / part, folder / part)
        self.folder = folder
        self.environment = {
            "TALLYHOUSE_EXTRACTS": str(folder / "extracts"),
            "TALLYHOUSE_REFERENCE": str(arguments.market / "reference"),
            "TALLYHOUSE_WAREHOUSE": str(folder / "warehouse"),
        }

    def command(self, number: int) -> list[str]:
        date = (RUN_DATE + datetime.timedelta(days=number)).isoformat()
        limits = ["--run-date", date, "--threads", str(self.arguments.threads), "--memory-limit", f"{LIMIT_MB}M"]
        pipeline = ["--pipeline", str(self.folder / "pipelines/nightly.yaml")]
        return [str(self.arguments.release / "tallyhouse"), "run", *pipeline, *limits, "--output", "json"]

    def night(self, name: str, number: int) -> dict:
        took = measured(self.command(number), self.environment, self.arguments.threads)
        report = json.loads(took.out)
        models = report["models"]
        built = sum(len(model["rebuilt"]) for model in models)
        self.told = "\n".join(f"- {rebuilt(model)}" for model in models if model["rebuilt"])
        print(f"… {name}: {took.wall:.1f} s, {took.cpu:.1f} CPU s, {took.mb:.0f} MB", file=sys.stderr, flush=True)
        self.note = f"{report['outcome']}, {built:,} partitions of {len(models)} models built"
        return vars(took) | {"what": name}

    def send_day(self, day: datetime.date) -> None:
        """Lets dealers send files of new lines of one day, copied from their last ones with order numbers of their own."""
        files = [list(of_dealer)[-1] for of_dealer in self.plain_files().values()]
        lines = max(1, self.lines() // DAYS // len(files))
        for file in files:
            rows = read(file)
            header = rows[0]
            at, sound = places(header), [row for row in rows[1:] if len(row) == len(header)][:lines]
            for number, row in enumerate(sound):
                row[at["ORDER NO"]] += f"-{day:%Y%m%d}-{number}"
                row[at["ORDER DATE"]] = day.isoformat()
                for later in ("PROMISED DATE", "CHECKED DATE", "SHIPPED DATE", "ACCEPTED DATE"):
                    row[at[later]] = ""
            dealer = file.parent.name
            write(file.with_name(f"{dealer}_{day:%Y%m%d}_{day:%Y%m%d}.csv"), [header, *sound])

    def correct(self, day: datetime.date) -> None:
        """Lets a dealer send one line of two years ago once more, with another salesperson."""
        dealer, files = next(iter(self.plain_files().items()))
        quarter = f"{RUN_DATE.year - 2}Q2"
        file = next(file for file in files if quarter in file.name)
        header, *rows = read(file)
        row = next(row for row in rows if len(row) == len(header))
        row[places(header)["SALESPERSON"]] = "Bench"
        write(file.with_name(f"{dealer}_{quarter}_{day:%Y%m%d}.csv"), [header, row])

    def plain_files(self) -> dict[str, list[pathlib.Path]]:
        """Returns the files of the dealers whose files are UTF-8 with English headers, in order of their names."""
        found = collections.defaultdict(list)
        for file in sorted((self.folder / "extracts/dealer_sales").rglob("*.csv")):
            if file.read_bytes()[:9] == b"\xef\xbb\xbfDealer":
                found[file.parent.name].append(file)
        return found

    def lines(self) -> int:
        files = (self.folder / "extracts/dealer_sales").rglob("*.csv")
        return sum(file.read_bytes().count(b"\n") for file in files)


def rebuilt(model: dict) -> str:
    """Says how much of a model was built, how much of it came out other than before, and why it was built."""
    parts = model["rebuilt"]
    reasons = collections.Counter(reason for part in parts for reason in part["reasons"]).most_common(3)
    changed = sum(part["is_changed"] for part in parts)
    share = f"{len(parts)} of {len(parts) + model['kept_partitions']} partitions, {changed} with other rows"
    return f"`{model['table']}`, {model['seconds']:.1f} s: {share}; {'; '.join(reason for reason, _ in reasons)}"


def places(header: list[str]) -> dict[str, int]:
    """Returns where the columns are; some dealers write `ORDER_NO` for `Order No`."""
    return {name.strip().upper().replace("_", " "): place for place, name in enumerate(header)}


def read(file: pathlib.Path) -> list[list[str]]:
    with open(file, encoding="utf-8-sig", errors="surrogateescape", newline="") as opened:
        return list(csv.reader(opened))


def write(file: pathlib.Path, rows: list[list[str]]) -> None:
    with open(file, "w", encoding="utf-8-sig", errors="surrogateescape", newline="") as opened:
        csv.writer(opened).writerows(rows)
