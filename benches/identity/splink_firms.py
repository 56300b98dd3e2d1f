"""Links one set of firms with Splink, set up as its guides for businesses advise: names cleaned, no legal forms, several blocks.

    run splink_firms --set FOLDER --out FILE [--threshold 0.95]

Before Splink sees them, names are NFKC, lower case, without blanks and punctuation, once as they are and once without the legal form at
the end; telephones are their last eleven digits. The time for that counts. Out: a CSV (source, source_key, entity) of the clusters
and, beside it, `*.links.csv` with the pairs over the threshold.
"""

import argparse
import csv
import pathlib
import re
import unicodedata

import duckdb
import pandas
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from splink_persons import write

LEGAL_FORM = re.compile(
    "(股份有限公司|有限责任公司|集团有限公司|有限公司|集团|gesellschaftmbh|gmbh|coltd|colimited|ltd|limited|sa|as)$"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=pathlib.Path, required=True, dest="folder")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--threshold", type=float, default=0.95)
    arguments = parser.parse_args()

    api = DuckDBAPI(connection=duckdb.connect())
    linker = trained(api.register(cleaned(arguments.folder / "firm.csv")))
    predictions = linker.inference.predict(threshold_match_probability=arguments.threshold)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        predictions, threshold_match_probability=arguments.threshold
    )
    members = clusters.as_duckdbpyrelation().project("cluster_id, record_key").fetchall()
    rows = [("firm", key, cluster) for cluster, key in sorted(members)]
    write(arguments.out, ["source", "source_key", "entity"], rows)
    links = predictions.as_duckdbpyrelation().project("record_key_l, record_key_r, match_probability").fetchall()
    write(
        arguments.out.with_suffix(".links.csv"),
        ["left_source", "left_key", "right_source", "right_key", "score"],
        [("firm", left, "firm", right, score) for left, right, score in sorted(links)],
    )


def cleaned(path):
    """Returns a frame of texts in which what is missing is None."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [clean(row) for row in csv.DictReader(file)]
    return pandas.DataFrame(rows)


def clean(row):
    name = re.sub(r"\W", "", unicodedata.normalize("NFKC", row["name"]).lower())
    phone = re.sub(r"\D", "", unicodedata.normalize("NFKC", row["phone"]))[-11:]
    return {
        "record_key": row["record_key"],
        "name": name or None,
        "stem": LEGAL_FORM.sub("", name) or None,
        "tax_id": row["tax_id"] or None,
        "phone": phone or None,
        "province": row["province"] or None,
        "city": row["city"] or None,
    }


def trained(table):
    """Returns the trained model."""
    settings = SettingsCreator(
        unique_id_column_name="record_key",
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[
            block_on("tax_id"),
            block_on("phone"),
            block_on("name"),
            block_on("stem"),
            block_on("substr(stem, 1, 4)", "province"),
            block_on("substr(stem, -5)"),
        ],
        comparisons=[
            cl.JaroWinklerAtThresholds("stem", [0.95, 0.88, 0.7]).configure(term_frequency_adjustments=True),
            cl.ExactMatch("tax_id"),
            cl.DamerauLevenshteinAtThresholds("phone", [1]).configure(term_frequency_adjustments=True),
            cl.ExactMatch("province").configure(term_frequency_adjustments=True),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        ],
    )
    linker = Linker(table, settings)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("tax_id"), block_on("phone", "stem")], recall=0.7
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=2)
    for column in ("phone", "stem"):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(column))
    return linker


if __name__ == "__main__":
    main()
