"""E1xx: the text of a spec cannot be read."""

from __future__ import annotations

from seqjobs.errors.codes._base import fragment, situation, whole_spec

TEXT = (
    whole_spec(
        "E101",
        "The spec is empty, or not a mapping of sections",
        meaning="A spec is a YAML mapping with sections such as `name`, `data` and `model` at its top level. This file "
        "is empty, has only comments, or holds a list or a single value.",
        example="- name: digits\n- seed: 3\n",
        fix="Begin the file with `name:`. `seqjobs init DATA --target COLUMN` writes a spec to start from, and "
        "`seqjobs schema` prints the format.",
    ),
    fragment(
        "E102",
        "A spec file holds more than one YAML document",
        meaning="The line `---` begins another YAML document, and a spec file holds one job.",
        example="seed: 3\n---\nseed: 4\n",
        fix="Put each job into its own file. All of them can be submitted as one run: `seqjobs submit a.yaml b.yaml`.",
    ),
    fragment(
        "E103",
        "The file is not YAML",
        meaning="The YAML parser stopped at this place. Frequent causes are a tab in the indentation, a colon inside a "
        "value, and a bracket or quote that is not closed.",
        example="fit: {epochs: 2\n",
        fix="Look at the place, and at the line before it. Indent with spaces, and put text that holds `: ` in quotes.",
    ),
    fragment(
        "E104",
        "The file is not UTF-8 text",
        meaning="The file holds bytes that are not UTF-8, or a control character that YAML does not allow.",
        example="seed: 3 # \x07\n",
        fix='Save the file as UTF-8. Write a control character as an escape in double quotes, for example "\\t".',
    ),
    fragment(
        "E105",
        "A key is given twice",
        meaning="A mapping holds the same key twice. YAML would silently take the last value, so it is refused.",
        example="fit: {epochs: 2, epochs: 3, validation_split: 0.2}\n",
        fix="Keep one of the two. The message names the line of the first.",
    ),
    fragment(
        "E106",
        "Anchors and aliases are not allowed",
        meaning="An alias (*x) repeats the value of an anchor (&x) elsewhere in the file, and a few aliases can "
        "expand to gigabytes. A spec has neither.",
        example="seed: &seed 3\n",
        fix="Write the value out at each place. Put text that begins with & or * in quotes.",
    ),
    fragment(
        "E107",
        "YAML tags are not allowed",
        meaning="A tag such as !!python/object asks the parser to build an object. A spec holds plain values only.",
        example="seed: !!python/object:os.system 3\n",
        fix="Remove the tag. Put text that begins with ! in quotes.",
    ),
    fragment(
        "E108",
        "Merge keys are not allowed",
        meaning="The key << merges another mapping into this one, which hides where a value comes from.",
        example="fit:\n  <<: {epochs: 2}\n",
        fix="Write out the keys that the merged mapping holds.",
    ),
    fragment(
        "E109",
        "The spec is nested too deeply",
        meaning="A spec has at most 20 levels of lists and mappings inside each other; no correct spec needs more.",
        example=f"fit: {{callbacks: {'[' * 21}{']' * 21}}}\n",
        fix="Remove the surplus brackets or indentation.",
    ),
    situation(
        "E110",
        "The spec is too large",
        meaning="A spec file has at most 1,000,000 bytes and 50,000 values.",
        example="seqjobs validate generated.yaml  # with 60,000 keys",
        fix="Check that this file is a spec. Split a large one into several jobs, or replace long lists of values by "
        "ranges such as {uniform: [0.1, 0.5]}.",
    ),
    fragment(
        "E111",
        "A key, value or number is too long",
        meaning="A key has at most 200 characters, a value 10,000, and a whole number 40 digits.",
        example=f"seed: {'1' * 41}\n",
        fix="Shorten it. Put digits that are text in quotes.",
    ),
    fragment(
        "E112",
        "A key is not a string",
        meaning="Every key of a spec is text. YAML reads keys such as true, null or 1.0 as other values, and allows "
        "lists and mappings as keys.",
        example="data: {train: train.parquet, target: label, features: {true: raw}}\n",
        fix='Put the key in quotes, for example "true".',
    ),
    situation(
        "E113",
        "The spec file cannot be read",
        meaning="The path does not exist, is a folder, a device or a data file, or may not be read. The path - means "
        "standard input, which can be named only once.",
        example="seqjobs validate no-such-file.yaml",
        fix="Correct the path, or the permissions of the file. `seqjobs init DATA --target COLUMN` writes a spec for "
        "a data file.",
    ),
    fragment(
        "E114",
        "A number is too large",
        meaning="The number is larger than a 64-bit floating-point number can hold, so it would become infinite.",
        example="fit: {validation_split: 1e999}\n",
        fix="Write a smaller number.",
    ),
)
