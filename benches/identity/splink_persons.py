"""Links one set of persons with Splink, as its own documentation of these sets does.

    run splink --set FOLDER --out FILE [--threshold 0.95]

Comparisons, blocking rules, rules for the prior and EM passes are those of Splink's published examples: the one of febrl3 for
a set of one source, the detailed one of febrl4 for two. Out: a CSV (source, source_key, entity) of the clusters and, beside
it, `*.links.csv` with the pairs over the threshold.
"""

import argparse
import csv
import pathlib

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=pathlib.Path, required=True, dest="folder")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--threshold", type=float, default=0.95)
    arguments = parser.parse_args()

    database = duckdb.connect()
    sources = sorted(path.stem for path in arguments.folder.glob("*.csv") if path.stem in ("person", "left", "right"))
    api = DuckDBAPI(connection=database)
    tables = [api.register(read(database, arguments.folder / f"{source}.csv")) for source in sources]
    linker = dedupe(tables[0]) if len(tables) == 1 else link(tables)

    predictions = linker.inference.predict(threshold_match_probability=arguments.threshold)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        predictions, threshold_match_probability=arguments.threshold
    )
    # The first letter of a key says its source.
    names = {source[0]: source for source in sources}
    members = clusters.as_duckdbpyrelation().project("cluster_id, record_key").fetchall()
    write(
        arguments.out,
        ["source", "source_key", "entity"],
        [(names[key[0]], key, cluster) for cluster, key in sorted(members)],
    )
    links = predictions.as_duckdbpyrelation().project("record_key_l, record_key_r, match_probability").fetchall()
    write(
        arguments.out.with_suffix(".links.csv"),
        ["left_source", "left_key", "right_source", "right_key", "score"],
        [(names[left[0]], left, names[right[0]], right, score) for left, right, score in sorted(links)],
    )


def read(database, path):
    """Returns a table with every column as text and empty cells as NULL."""
    return database.sql(f"SELECT * FROM read_csv('{path}', all_varchar = true, nullstr = '')")


def dedupe(table):
    """Returns the trained model of the example of febrl3."""
    settings = SettingsCreator(
        unique_id_column_name="record_key",
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[
            block_on(column) for column in ("soc_sec_id", "given_name", "surname", "date_of_birth", "postcode")
        ],
        comparisons=[
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
        ],
    )
    linker = Linker(table, settings)
    linker.training.estimate_probability_two_random_records_match(
        [
            block_on("soc_sec_id"),
            block_on("given_name", "surname", "date_of_birth"),
            "l.given_name = r.surname and l.surname = r.given_name and l.date_of_birth = r.date_of_birth",
        ],
        recall=0.9,
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=2)
    for column in ("date_of_birth", "postcode"):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(column))
    return linker


def link(tables):
    """Returns the trained model of the detailed example of febrl4."""
    settings = SettingsCreator(
        unique_id_column_name="record_key",
        link_type="link_only",
        blocking_rules_to_generate_predictions=[
            block_on("given_name", "surname"),
            "l.given_name = r.surname and l.surname = r.given_name",
            block_on("date_of_birth"),
            block_on("soc_sec_id"),
            block_on("state", "address_1"),
            block_on("street_number", "address_1"),
            block_on("postcode"),
        ],
        comparisons=[
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison(
                "date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True
            ),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
        ],
    )
    linker = Linker(tables, settings)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")], recall=0.8
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=2)
    for column in ("date_of_birth", "postcode"):
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(column), estimate_without_term_frequencies=True
        )
    return linker


def write(path, columns, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
