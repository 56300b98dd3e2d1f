"""Says how good clusters are: pairwise and B-cubed precision, recall and F1 against a truth.

In: two CSV of (source, source_key, entity) over the same records, and links as pairs. Records that the truth does not name are left out; a
record that the clusters do not name stands alone.
"""

import collections
import csv


def read_clusters(path, entity="entity"):
    """Returns the entity of each record."""
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["source"], row["source_key"]): row[entity] for row in csv.DictReader(file)}


def read_links(path):
    """Returns the pairs of a list of links."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            frozenset(((row["left_source"], row["left_key"]), (row["right_source"], row["right_key"])))
            for row in csv.DictReader(file)
        }


def score(clusters, truth):
    """Returns pairwise and B-cubed precision, recall and F1."""
    found = {record: clusters.get(record, ("alone", record)) for record in truth}
    sizes = collections.Counter(found.values())
    true_sizes = collections.Counter(truth.values())
    both = collections.Counter((found[record], truth[record]) for record in truth)
    shared = sum(pairs(count) for count in both.values())
    return {
        "pairwise": figures(
            shared,
            sum(map(pairs, sizes.values())),
            sum(map(pairs, true_sizes.values())),
        ),
        "b_cubed": {
            **rates(
                sum(count * count / sizes[cluster] for (cluster, _), count in both.items()) / len(truth),
                sum(count * count / true_sizes[entity] for (_, entity), count in both.items()) / len(truth),
            )
        },
    }


def score_links(links, truth):
    """Returns pairwise precision, recall and F1 of links as they are, without clusters."""
    shared = sum(len({truth.get(record, record) for record in pair}) == 1 for pair in links)
    return figures(shared, len(links), sum(map(pairs, collections.Counter(truth.values()).values())))


def pairs(count):
    return count * (count - 1) // 2


def figures(shared, found, true):
    return rates(shared / found if found else 1.0, shared / true if true else 1.0)


def rates(precision, recall):
    both = precision + recall
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / both if both else 0.0}
