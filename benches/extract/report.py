"""Renders measurements as a Markdown table. In: the document that `measure` keeps. Out: text."""


def markdown(document: dict) -> str:
    """Returns the machine, one row for each case, and what disagrees."""
    machine = ", ".join(f"{name} {value}" for name, value in document["machine"].items())
    best = {result["name"]: least(result) for result in document["results"]}
    lines = [machine, "", "| what | wall s | CPU s | memory MB | rows | ratio | target |", "|---|--:|--:|--:|--:|---|---|"]
    lines += [row(result, best) for result in document["results"]]
    for result in document["results"]:
        lines += [f"\n**{result['name']}**: {words}" for words in result["disagrees"]]
    return "\n".join(lines)


def least(result: dict) -> dict:
    """Returns the least wall and CPU seconds and the most memory of all rounds."""
    rounds = result["rounds"]
    return {
        "wall": min(turn["wall"] for turn in rounds),
        "cpu": min(turn["cpu"] for turn in rounds),
        "mb": max(turn["mb"] for turn in rounds),
    }


def row(result: dict, best: dict) -> str:
    """Returns one row; a ratio is this case's time over the other's."""
    own = best[result["name"]]
    ratios = [
        f"{own['wall'] / best[name]['wall']:.2f} × wall, {own['cpu'] / best[name]['cpu']:.2f} × CPU of {name}"
        for name in result["against"]
        if name in best
    ]
    agrees = "differ" if result["disagrees"] else f"{result['wrote']['rows']:,}" if "wrote" in result else "–"
    numbers = f"{own['wall']:.2f} | {own['cpu']:.2f} | {own['mb']:.0f}"
    return f"| {result['name']} | {numbers} | {agrees} | {'; '.join(ratios)} | {result['target']} |"
