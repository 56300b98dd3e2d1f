"""Writes a tallyhouse pipeline over the CSV of one set: a contract per source and the entity.

The entity of persons names what every person has (names, birth, place, numbers) and no set: it is one text for all of them. That of
firms has the comparisons of the shipped `pipelines/entities/customer.yaml`. Every column is text in the contract; preparing it is the
entity's word.
"""

import collections

Kind = collections.namedtuple("Kind", "name prefix columns evidence")

PERSON_COLUMNS = {
    "given_name": "given_name",
    "surname": "surname",
    "date_of_birth": "date",
    "soc_sec_id": "text",
    "street_number": "text",
    "address_1": "address",
    "address_2": "address",
    "suburb": "place",
    "postcode": "text",
    "state": "place",
}

PERSON_EVIDENCE = """\
rules:
  - { name: same_number_and_birth, equal: [soc_sec_id, date_of_birth] }
blocks:
  - equal: [soc_sec_id]
  - equal: [date_of_birth]
  - equal: [given_name.key, surname.key]
  - equal: [surname.pinyin, postcode]
  - equal: [given_name.pinyin, postcode]
  - equal: [address_1.key, street_number]
  - equal: [suburb.key, surname.stem]
  - equal: [suburb.key, given_name.stem]
comparisons:
  - attribute: given_name
    levels: [exact, { exact: key }, { damerau_levenshtein: 1 }, { jaro_winkler: 0.88 }]
    term_frequency: true
  - attribute: surname
    levels: [exact, { damerau_levenshtein: 1 }, { jaro_winkler: 0.88 }]
    term_frequency: true
  - attribute: date_of_birth
    levels: [exact, { damerau_levenshtein: 1 }, { date_days: 366 }]
  - attribute: soc_sec_id
    levels: [exact, { damerau_levenshtein: 1 }, { damerau_levenshtein: 2 }]
  - attribute: street_number
    levels: [exact, { damerau_levenshtein: 1 }]
  - attribute: address_1
    levels: [exact, { jaro_winkler: 0.9 }, { bigram_jaccard: 0.5 }]
  - attribute: address_2
    levels: [exact, { jaro_winkler: 0.9 }]
  - attribute: suburb
    levels: [exact, { jaro_winkler: 0.9 }]
    term_frequency: true
  - attribute: postcode
    levels: [exact, { damerau_levenshtein: 1 }]
    term_frequency: true
  - attribute: state
    levels: [exact]
    term_frequency: true
link_from: 0.95
"""


FIRM_COLUMNS = {
    "name": "company",
    "tax_id": "tax_id",
    "phone": "phone, default_region: CN",
    "country": "place",
    "province": "place",
    "city": "place",
    "industry": "text",
}

FIRM_EVIDENCE = """\
named_by: [name, tax_id]
rules:
  - { name: same_tax_id, equal: [tax_id] }
  - { name: same_phone_and_name, equal: [phone, name.key, name.legal] }
  - { name: same_name, equal: [name, name.legal] }
vetoes:
  - { name: two_countries, differ: [country] }
  - { name: two_tax_ids, differ: [tax_id] }
blocks:
  - equal: [name.key]
  - equal: [name.stem]
  - equal: [phone]
  - bigrams: name.stem
  - { neighbours: name.pinyin, window: 5 }
split_by: [province, name.pinyin]
comparisons:
  - attribute: name
    levels: [exact, { exact: key, agree: legal }, { bigram_jaccard: 0.75, on: stem, agree: legal }, { damerau_levenshtein: 1, on: stem, agree: legal }, { token_overlap: 0.8, agree: legal }, { bigram_jaccard: 0.5, on: stem, agree: legal }, { exact: key }, { jaro_winkler: 0.8, on: stem }]
    term_frequency: true
  - attribute: phone
    levels: [exact, { damerau_levenshtein: 1 }]
    term_frequency: true
  - attribute: province
    levels: [exact]
  - attribute: city
    levels: [exact]
  - attribute: industry
    levels: [exact]
cohesion: 0.8
link_from: 0.95
"""

PERSON = Kind("person", "P", PERSON_COLUMNS, PERSON_EVIDENCE)
FIRM = Kind("customer", "C", FIRM_COLUMNS, FIRM_EVIDENCE)


def write(folder, sources, kind):
    """Writes `pipelines/` into the folder of a set."""
    pipelines = folder / "pipelines"
    for part in ("sources", "entities"):
        (pipelines / part).mkdir(parents=True, exist_ok=True)
    (folder / "sql").mkdir(exist_ok=True)
    (pipelines / "nightly.yaml").write_text(
        f"name: {folder.name}\nwarehouse: ../warehouse\ntimezone: UTC\nrun_date: 2026-01-01\n"
        "sources: sources/*.yaml\nentities: entities/*.yaml\nmodels: ../sql\npublish: { formats: [parquet] }\n"
    )
    for source in sources:
        columns = "".join(f"  {column}: {{ type: string }}\n" for column in kind.columns)
        (pipelines / "sources" / f"{source}.yaml").write_text(
            f"name: {source}\nlocation: ../../{source}.csv\nformat: csv\nkey: [record_key]\ncolumns:\n"
            f"  record_key: {{ type: string, required: true }}\n{columns}"
        )
    (pipelines / "entities" / f"{kind.name}.yaml").write_text(entity(sources, kind))


def entity(sources, kind):
    """Returns the file of the entity."""
    columns = ", ".join(f"{column}: {column}" for column in kind.columns)
    records = "".join(
        f"  - source: {source}\n    key: [record_key]\n    columns: {{ {columns} }}\n" for source in sources
    )
    attributes = "".join(f"  {column}: {{ prepare: {prepared} }}\n" for column, prepared in kind.columns.items())
    return (
        f"name: {kind.name}\nid: {{ column: {kind.name}_id, prefix: {kind.prefix} }}\n"
        f"records:\n{records}attributes:\n{attributes}{kind.evidence}"
    )
