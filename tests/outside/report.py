#!/usr/bin/env python3
"""Opens the page of a report in a browser without a window and compares what is drawn with the rows of the queries.

    python report.py PAGE CHROMIUM

The rows are read from the page's data and put together here, in another language and by other code. Compared is what the
charting library holds and what stands in the cells of the document, in both languages, without filters and with each value
of each filter. The page must fetch nothing and leave nothing on the console. Prints one line; on a fault it prints them all
and leaves with exit code 1.
"""

import argparse
import calendar
import json
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)
ANSWER = re.compile(r'<pre id="answer">(.*?)</pre>', re.DOTALL)

# Runs before the page's own scripts: whatever goes wrong is kept.
LISTENER = """<script>
window.complaints = [];
for (const kind of ['error', 'warn']) {
  const told = console[kind];
  console[kind] = (...words) => { window.complaints.push(words.join(' ')); told.apply(console, words); };
}
window.addEventListener('error', (event) => window.complaints.push(String(event.message)));
window.addEventListener('unhandledrejection', (event) => window.complaints.push(String(event.reason)));
document.addEventListener('securitypolicyviolation', (event) => window.complaints.push(`fetches ${event.blockedURI}`));
</script>"""

# Runs after them: takes the page through the states that are asked for.
DRIVER = """<script>
const states = %s;
const answers = states.map(({ language, filters }) => {
  for (const { column } of window.tallyhouse.report.filters) window.tallyhouse.choose(column, filters[column] ?? null);
  window.tallyhouse.speak(language);
  return window.tallyhouse.plotted();
});
const answer = document.createElement('pre');
answer.id = 'answer';
answer.textContent = JSON.stringify({ answers, complaints: window.complaints });
document.body.replaceChildren(answer);
</script>"""


# Puts what holds on paper behind all other rules, on a page as wide as A4 between its margins, and names tables that leave their card.
PRINTER = """<script>
for (const sheet of document.styleSheets) {
  for (const rule of [...sheet.cssRules].filter((rule) => rule.media?.mediaText === 'print')) {
    for (const inner of [...rule.cssRules].filter((inner) => inner.selectorText)) {
      sheet.insertRule(inner.cssText, sheet.cssRules.length);
    }
  }
}
document.body.style.width = '688px';
const answers = ['zh', 'en'].map((language) => {
  window.tallyhouse.speak(language);
  const tables = [...document.querySelectorAll('.card table')].filter((table) => table.offsetParent);
  const right = (element) => element.getBoundingClientRect().right;
  const wide = tables.filter((table) => right(table) > right(table.closest('.card')));
  return { tables: tables.length, wide: wide.map((table) => table.closest('.card').querySelector('h3').textContent) };
});
const answer = document.createElement('pre');
answer.id = 'answer';
answer.textContent = JSON.stringify({ answers, complaints: window.complaints });
document.body.replaceChildren(answer);
</script>"""


def total(values):
    there = [value for value in values if value is not None]
    return math.fsum(there) if there else None


def quotient(upper, lower):
    return None if upper is None or not lower else upper / lower


def measured(measure, rows, whole):
    """What a measure is of rows, given as dicts; `whole` is what a share is of."""
    how, columns = measure["how"], measure["columns"]
    if how == "count":
        return len(rows)
    if how == "value":
        return rows[0][columns[0]]
    if how == "sum":
        return total(row[columns[0]] for row in rows)
    if how == "share":
        return quotient(total(row[columns[0]] for row in rows), total(row[columns[0]] for row in whole))
    both = [row for row in rows if None not in (row[columns[0]], row[columns[1]])]
    ratio = quotient(total(row[columns[0]] for row in both), total(row[columns[1]] for row in both))
    return ratio if how == "ratio" or ratio is None else ratio - 1


class Expected:
    """What one chart must show in one state."""

    def __init__(self, report, chart, language, filters):
        self.report, self.chart, self.language = report, chart, language
        rows = [dict(zip(chart["columns"], row)) for row in chart["rows"]]
        wanted = {column: value for column, value in filters.items() if column in chart["columns"]}
        self.rows = [row for row in rows if all(text(row[column]) == value for column, value in wanted.items())]
        self.by = [dimension["column"] for dimension in chart["by"]]

    def groups(self, by=None):
        groups = {}
        for row in self.rows:
            groups.setdefault(tuple(row[column] for column in (self.by if by is None else by)), []).append(row)
        return groups if self.by or not self.rows else {(): self.rows}

    def marks(self, by=None):
        """Values of the measures by the values of the dimensions, in the order in which they are met."""
        by = self.by if by is None else by
        first = self.groups(by[:1]) if len(by) > 1 else {}
        whole = lambda keys: first.get(keys[:1], self.rows)
        return {
            keys: [measured(measure, rows, whole(keys)) for measure in self.chart["show"]]
            for keys, rows in self.groups(by).items()
        }

    def members(self, at):
        """The values of a dimension in the order of the chart."""
        marks = self.marks()
        met = list(dict.fromkeys(keys[at] for keys in marks))
        listed = self.chart["by"][at]["values"]
        if listed:
            listed = [next((value for value in met if text(value) == word), word) for word in listed]
            return listed + [value for value in met if value not in listed]
        if self.chart["order"] == "value" and at == 0:
            size = lambda value: total(values[0] for keys, values in marks.items() if keys[0] == value)
            return sorted(met, key=lambda value: (size(value) is None, -(size(value) or 0)))
        return met

    def ordered(self):
        marks = list(self.marks().items())
        if self.chart["kind"] == "pareto" or self.chart["order"] == "value":
            marks.sort(key=lambda mark: (mark[1][0] is None, -(mark[1][0] or 0)))
        return marks

    def series(self):
        """Name and values of each series of a chart along an axis."""
        chart, marks = self.chart, self.marks()
        places = self.members(0)[: chart["limit"]]
        if len(self.by) == 1:
            named = [self.title(measure["title"]) for measure in chart["show"]]
            return {name: [marks[(place,)][at] if (place,) in marks else None for place in places] for at, name in enumerate(named)}
        return {
            self.member(1, member): [marks.get((place, member), [None])[0] for place in places] for member in self.members(1)
        }

    def title(self, title):
        return title[self.language]

    def word(self, code):
        if code is None:
            return {"zh": "无", "en": "None"}[self.language]
        known = self.report["words"].get(text(code))
        return self.title(known) if known else text(code)

    def member(self, at, value):
        """The value of a dimension as the reader sees it."""
        written = self.chart["by"][at]["format"]
        if written == "share" and isinstance(value, (int, float)):
            # As the page rounds: half away from zero.
            return f"{math.floor(abs(value) * 1000 + 0.5) / 10 * (-1 if value < 0 else 1):.1f} %"
        if value is None or written not in ("month", "quarter"):
            return self.word(value)
        year, month = int(value[:4]), int(value[5:7])
        if written == "quarter":
            return {"zh": f"{year}年{(month + 2) // 3}季度", "en": f"{year} Q{(month + 2) // 3}"}[self.language]
        return {"zh": f"{year}年{month}月", "en": f"{calendar.month_abbr[month]} {year}"}[self.language]

    def is_shown(self, value, cell):
        if isinstance(value, bool):
            return cell.strip() == {"zh": "否是", "en": ("No", "Yes")}[self.language][value]
        if value is None or isinstance(value, (int, float)):
            return near(value, cell)
        return cell.strip() == self.word(value)


def text(value):
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def is_same(one, other):
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other


def all_same(ones, others):
    return len(ones) == len(others) and all(is_same(one, other) for one, other in zip(ones, others))


def plotted_series(found):
    return {series["name"]: series["data"] for series in found["series"]}


def along(expected, found):
    wanted, has = expected.series(), plotted_series(found)
    places = expected.members(0)[: expected.chart["limit"]]
    if [expected.member(0, place) for place in places] != found["names"]:
        return False
    return set(wanted) == set(has) and all(all_same(wanted[name], has[name]) for name in wanted)


def bubble(expected, found):
    wanted = {keys: values for keys, values in expected.marks().items() if None not in values}
    has = {tuple(point["keys"]): point["value"] for series in found["series"] for point in series["data"]}
    return set(wanted) == set(has) and all(all_same(wanted[keys], has[keys]) for keys in wanted)


def pareto(expected, found):
    limit = expected.chart["limit"]
    values = [values[0] for _, values in expected.ordered()]
    whole, parts = total(values), []
    for at in range(len(values)):
        parts.append(quotient(total(values[: at + 1]), whole))
    bars, curve = (series["data"] for series in found["series"])
    return all_same(values[:limit], bars) and all_same(parts[:limit], curve)


def hangs(values, found):
    """Whether each bar reaches from what was before its part to what is after it, and the last one ends where the parts do."""
    base, above, below = (series["data"] for series in found["series"])
    if not len(values) == len(base) == len(above) == len(below):
        return False
    level, spans = 0, []
    for at, value in enumerate(values):
        start = 0 if at in (0, len(values) - 1) else level
        level = start + (value or 0)
        spans.append(sorted([start, level]))
    for span, foot, up, down in zip(spans, base, above, below):
        pieces = [foot, foot + up["value"] + down["value"], foot + up["value"], foot + down["value"]]
        if not all_same(span, [min(pieces), max(pieces)]):
            return False
    return is_same(values[0] + (total(values[1:-1]) or 0), values[-1])


def waterfall(expected, found):
    [values] = expected.marks().values()
    return hangs(values, found)


def waterfalls(expected, found):
    """One waterfall for each value of all columns but the last, with its steps and their sum."""
    strands = {}
    for keys, [value] in expected.marks().items():
        strands.setdefault(keys[:-1], []).append((keys[-1], value))
    wanted = list(strands.items())[: expected.chart["limit"]]
    if len(wanted) != len(found["parts"]):
        return False
    ends = {"zh": "结果", "en": "Result"}[expected.language]
    for (keys, steps), part in zip(wanted, found["parts"]):
        heading = " · ".join(expected.member(at, key) for at, key in enumerate(keys))
        names = [expected.member(len(keys), step) for step, _ in steps] + [ends]
        values = [value for _, value in steps]
        if (heading, names) != (part["heading"], part["names"]) or not hangs([*values, total(values)], part):
            return False
    return True


def tree(expected, found):
    """Every mark once, below and to the right of the one that it hangs on, and a line between the two."""
    marks = expected.marks()
    series = plotted_series(found)
    points = {tuple(point["keys"]): point for point in series["marks"]}
    if set(points) != set(marks) or sorted(point["value"][1] for point in points.values()) != list(range(len(marks))):
        return False
    places = {keys[0]: point["value"] for keys, point in points.items()}
    lines = {"certain": [], "evidence": []}
    for point in sorted(series["marks"], key=lambda point: point["value"][1]):
        _, upper, _ = point["keys"]
        [measured] = marks[tuple(point["keys"])]
        depth, at = point["value"]
        if point["measured"] != measured or (upper not in places and depth != 0):
            return False
        if upper in places:
            above = places[upper]
            if not (above[0] + 1 == depth and above[1] < at):
                return False
            lines["certain" if measured is None else "evidence"] += [above, [above[0], at], [depth, at], ["-", "-"]]
    return lines == {name: series[name] for name in lines}


def digits(shown):
    """The number in a cell, without signs for money, thousands and percent."""
    match = re.search(r"[-−]?[\d,]*\.?\d+", shown)
    return None if match is None else float(match[0].replace(",", "").replace("−", "-"))


def near(value, shown):
    """Whether a cell shows a value, in whatever unit its text is written."""
    if value is None:
        return shown.strip() == "–"
    number = digits(shown)
    scales = {"亿": 1e8, "万": 1e4, "bn": 1e9, "m": 1e6, "k": 1e3, "%": 0.01}
    unit = re.search(r"\d\s*(亿|万|bn|m|k|%)", shown)
    scale = scales[unit[1]] if unit else 1
    decimals = len(shown.split(".")[1].rstrip("%亿万元bnmk ")) if "." in shown else 0
    return number is not None and abs(number * scale - value) <= scale * 10**-decimals * 0.500001


def matrix(expected, found):
    marks = expected.marks(expected.by[:2])
    rows, columns = expected.members(0), expected.members(1)
    head, *body = found["cells"]
    if [expected.member(1, column) for column in columns] != head[1:]:
        return False
    for row, cells in zip(rows, body):
        for column, cell in zip(columns, cells[1:]):
            value = marks.get((row, column), [0 if expected.chart["show"][0]["how"] == "count" else None])[0]
            if not near(value, cell.split("\n")[0]):
                return False
    return len(body) == len(rows)


def table(expected, found):
    _, *body = found["cells"]
    marks = expected.ordered()[: expected.chart["limit"]]
    if len(marks) != len(body):
        return False
    for (keys, values), cells in zip(marks, body):
        named = [expected.member(at, key) for at, key in enumerate(keys)]
        if named != [cell.strip() for cell in cells[: len(keys)]]:
            return False
        if not all(expected.is_shown(*pair) for pair in zip(values, cells[len(keys) :])):
            return False
    return True


def figures(expected, found):
    [values] = expected.marks().values()
    return len(values) == len(found["numbers"]) and all(near(*pair) for pair in zip(values, found["numbers"]))


COMPARED = {
    "line": along, "bar": along, "funnel": along, "bubble": bubble, "pareto": pareto, "waterfall": waterfall,
    "waterfalls": waterfalls, "tree": tree, "matrix": matrix, "table": table, "figures": figures,
}


def states(report):
    """Both languages without filters, every value of every filter, and one value of all filters at once."""
    values = {}
    for section in report["sections"]:
        for chart in section["charts"]:
            for filter in report["filters"]:
                if filter["column"] in chart["columns"]:
                    at = chart["columns"].index(filter["column"])
                    known = values.setdefault(filter["column"], set())
                    known.update(text(row[at]) for row in chart["rows"] if row[at] is not None)
    single = [{column: value} for column, known in values.items() for value in sorted(known)]
    every = [{column: max(known) for column, known in values.items()}]
    chosen = [("zh", {}), *(("en", filters) for filters in single + every), ("zh", every[0]), ("en", {})]
    return [{"language": language, "filters": filters} for language, filters in chosen]


def opened(page, chromium, driver):
    """What a script behind the page's own answers, and what the page complained about."""
    head, tail = page.split("<head>", 1)
    body, end = tail.rsplit("</body>", 1)
    driven = f"{head}<head>{LISTENER}{body}{driver}</body>{end}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "page.html")
        file.write_text(driven, encoding="utf-8")
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"]
        command = [chromium, *options, f"--user-data-dir={folder}/profile", "--dump-dom", file.as_uri()]
        dumped = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=240, check=True).stdout
    found = ANSWER.search(dumped)
    if not found:
        sys.exit(f"the page did not answer:\n{dumped[-2000:]}")
    plain = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u00a0").replace("&amp;", "&")
    return json.loads(plain)


def faults(report, asked, answer):
    yield from (f"console: {complaint}" for complaint in answer["complaints"])
    for state, found in zip(asked, answer["answers"], strict=True):
        for section in report["sections"]:
            for chart in section["charts"]:
                expected = Expected(report, chart, state["language"], state["filters"])
                shown = found[chart["name"]]
                if not expected.rows:
                    if not shown["status"]:
                        yield f"{chart['name']} in {state}: nothing is drawn and nothing is said"
                elif not {"series", "parts"} & set(shown) and not shown["cells"] and not shown["numbers"]:
                    yield f"{chart['name']} in {state}: nothing is drawn"
                elif not COMPARED[chart["kind"]](expected, shown):
                    yield f"{chart['name']} in {state}: drawn is {json.dumps(shown, ensure_ascii=False)[:600]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("chromium")
    arguments = parser.parse_args()
    page = arguments.page.read_text(encoding="utf-8")
    report = json.loads(DATA.search(page)[1])
    asked = states(report)
    found = list(faults(report, asked, opened(page, arguments.chromium, DRIVER % json.dumps(asked))))
    for printed in opened(page, arguments.chromium, PRINTER)["answers"]:
        found.extend(f"on paper the table of `{title}` is cut off" for title in printed["wide"])
        if not printed["tables"] and any(chart["kind"] == "table" for section in report["sections"] for chart in section["charts"]):
            found.append("on paper there is no table")
    charts = sum(len(section["charts"]) for section in report["sections"])
    print(f"report: {charts} charts in {len(asked)} states, {len(found)} faults")
    for fault in found:
        print(f"  {fault}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
