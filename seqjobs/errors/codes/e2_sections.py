"""E2xx: sections, dimensions and variants of a spec."""

from __future__ import annotations

from seqjobs.errors.codes._base import fragment, situation

SECTIONS = (
    fragment(
        "E201",
        "An unknown key",
        meaning="The section has no key of this name.",
        example="fit: {epoch: 10}\n",
        fix="Correct the name; the message suggests the nearest one. `seqjobs schema` prints all keys, and an editor "
        "that reads the schema completes them.",
    ),
    fragment(
        "E202",
        "A required key is missing",
        meaning="The section needs this key and has no default for it. `objective` needs a `direction`, because "
        "seqjobs never guesses it from the name of a metric.",
        example="data: {train: train.parquet}\n",
        fix="Add the key.",
    ),
    fragment(
        "E205",
        "A value has the wrong type",
        meaning="The key takes a value of another type: a number, a whole number, true or false, text, a list or a "
        "mapping. A number in quotes is text.",
        example='fit: {epochs: "10", validation_split: 0.2}\n',
        fix="Write a value of the expected type. Numbers and true or false have no quotes.",
    ),
    fragment(
        "E206",
        "A value is not allowed",
        meaning="The value has the right type, but is outside the bounds, is none of the allowed words, or has a wrong "
        "unit.",
        example="fit: {validation_split: 20}\n",
        fix="Choose one of the values that the message names. Fractions are numbers from 0 to 1: 20 percent is 0.2.",
    ),
    fragment(
        "E207",
        "The name of the job is not text",
        meaning="`name` is text, and YAML reads this value as a number, as true or false, or as null.",
        example="name: 2024\n",
        fix='Put it in quotes, for example name: "2024".',
    ),
    situation(
        "E208",
        "Two jobs have the same name",
        meaning="The jobs of one run need distinct names.",
        example="seqjobs submit digits.yaml digits.yaml",
        fix="Give one of them another `name`. `-S name=other` changes the name in all specs of a command.",
    ),
    fragment(
        "E209",
        "Two settings exclude each other",
        meaning="Each setting is correct, but together they have no meaning. Examples are `trials` with a grid, which "
        "trains every combination, and variants in addition to dimensions.",
        example="search: {sampler: grid, trials: 10}\n",
        fix="Remove one of the two.",
    ),
    situation(
        "E210",
        "An override has the wrong form, or an unknown path",
        meaning="-S takes PATH=VALUE. The path names a value of the spec by keys and list indices from 0, separated "
        "by dots.",
        example="seqjobs validate digits.yaml -S fit.epochs",
        fix="Write it as -S fit.epochs=3 or -S model.1.Dense.units=64. Put the argument in quotes if the value holds "
        "spaces or brackets.",
    ),
    fragment(
        "E211",
        "A dimension is written in the wrong form",
        meaning="A dimension replaces one value: {choice: [a, b]}, {uniform: [low, high]}, or "
        "log_uniform, int_uniform or log_int_uniform. A range can have a `step`.",
        example="fit: {epochs: {int_uniform: [10, 5]}, validation_split: 0.2}\n",
        fix="Correct the kind, the bounds or the step. The lower bound comes first.",
    ),
    fragment(
        "E212",
        "A dimension is not allowed here",
        meaning="Dimensions are allowed in data, model, compile and fit. All other sections apply to the whole job, "
        "and a variant has fixed values.",
        example="seed: {choice: [1, 2]}\n",
        fix="Write one value. To train each assignment under several seeds, write search: {repeats: 3}.",
    ),
    fragment(
        "E213",
        "A variant is wrong",
        meaning="`variants` is a list of mappings from paths to values. A path begins with data, model, compile or "
        "fit and names a value that the spec has. No two variants may mean the same.",
        example="variants: [{fit.epochs: 3}, {fit.epochs.x: 5}]\n",
        fix="Correct the path, for example fit.batch_size or model.1.Dense.units.",
    ),
    fragment(
        "E214",
        "Too many dimensions, values or variants",
        meaning="A spec has at most 500 dimensions, 10,000 variants, 1,000 values in a choice, and 2,000 values in all "
        "choices together.",
        example=f"fit: {{epochs: {{choice: [{', '.join(['1'] * 1001)}]}}, validation_split: 0.2}}\n",
        fix="Use a range such as {int_uniform: [1, 1000]}, or split the spec into several jobs.",
    ),
    fragment(
        "E215",
        "Two dimensions have the same name",
        meaning="The name of a dimension is its path with dots. Keys that differ only in dots have the same path.",
        example="data:\n  train: train.parquet\n  target: label\n  features:\n    a: {clip: {low: {choice: [0, 1]}}}\n"
        '    "a.clip.low": {choice: [raw, log1p]}\n',
        fix="Rename one of the keys, or give one of the two a fixed value.",
    ),
)
