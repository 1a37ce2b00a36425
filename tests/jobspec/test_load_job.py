"""All mistakes of a spec are reported, each with its line and column."""

# ruff: noqa: E501 - lines of errors stand here as a user sees them

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.errors.lines import code_of
from tests.fixtures.plans import plan_of, plan_of_texts
from tests.jobspec.spec_texts import DATA, JOBS, SPEC, changed, errors, parse, plan_errors


def test_the_spec_that_the_others_change_is_right() -> None:
    job = parse(SPEC)
    assert (job.name, job.seed, job.objective.metric) == ("small", 3, "val_accuracy")


def test_five_mistakes_in_five_sections_are_told_at_once_in_the_order_of_the_text() -> None:
    text = changed(
        ("seed: 3", "seed: -3"),
        ("units: 16", "unit: 16"),
        ("sparse_categorical_crossentropy", "sparse_categorical_crossentropi"),
        ("epochs: 2", "epoch: 2"),
        ("maximize", "maximise"),
    )
    assert errors(text) == [
        "job.yaml:2:7 seed: a number of at least 0 is expected (got -3). Fix: write a larger number, such as 0. [E206]",
        "job.yaml:9:13 model.1.Dense.unit: Dense has no argument 'unit'. Did you mean 'units'? [E302]",
        "job.yaml:13:9 compile.loss: unknown loss 'sparse_categorical_crossentropi'."
        " Did you mean 'sparse_categorical_crossentropy'? [E305]",
        "job.yaml:15:7 fit.epoch: unknown key 'epoch'. Did you mean 'epochs'? [E201]",
        "job.yaml:16:46 objective.direction: 'minimize' or 'maximize' is expected (got 'maximise')."
        " Did you mean 'maximize'? [E206]",
    ]


def test_mistakes_in_a_choice_a_range_an_override_and_the_text_are_told_together() -> None:
    text = changed(
        ("units: 16", "units: {choice: [16, 0, 2.5]}"),
        ("learning_rate: 0.001", "learning_rate: {log_uniform: [1.0e-4, 0]}"),
        ("epochs: 2", "epochs: 2, epochs: 3"),
        ("train: train.parquet", "train: missing.parquet"),
    )
    lines = errors(text, "fit.batch_size=0", "keep.bst=3")
    assert lines[0].startswith("job.yaml:4:10 data.train: ")
    assert code_of(lines[0]) == "E401"
    assert lines[1:] == [
        "job.yaml:9:34 model.1.Dense.units.choice.1: expected a whole number of at least 1 (got 0)."
        " Fix: give a value within these bounds. [E304]",
        "job.yaml:9:37 model.1.Dense.units.choice.2: expected a whole number of at least 1 (got 2.5)."
        " Fix: give a value of this kind. [E304]",
        "job.yaml:12:51 compile.optimizer.Adam.learning_rate.log_uniform: low must be below high"
        " (got [0.0001, 0]). Fix: swap the bounds, or widen the range. [E211]",
        "job.yaml:15:18 fit.epochs: this key is given twice, first in line 15. Fix: keep one of them. [E105]",
        "-S fit.batch_size=0:1:16 fit.batch_size: a number of at least 1 is expected (got 0)."
        " Fix: write a larger number, such as 32. [E206]",
        "-S keep.bst=3:1:1 keep.bst: unknown key 'bst'. Did you mean 'best'? [E201]",
    ]


def test_mistakes_under_a_named_architecture_are_told_where_they_are_written() -> None:
    text = changed(
        (
            "  - Flatten\n  - Dense: {units: 16",
            "  flat:\n  - Flatten\n  - Dense: {units: 10}\n  deep:\n  - Dense: {unit: 16",
        )
    )
    assert errors(text) == [
        "job.yaml:12:13 model.deep.0.Dense.unit: Dense has no argument 'unit'. Did you mean 'units'? [E302]"
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("name: small", "name: 010", 'job.yaml:1:7 name: a name is a string (got 10). Fix: quote it: name: "10". [E207]'),
        ("name: small", "name: true", 'job.yaml:1:7 name: a name is a string (got true). Fix: quote it: name: "true". [E207]'),
        ("name: small", "name:", "job.yaml:1:6 name: a name is a string, not null. Fix: write one, such as digits-cnn. [E207]"),
        ("name: small", "name: [a]", "job.yaml:1:7 name: a name is a string (got ['a'])."
                                     " Fix: write one, such as digits-cnn. [E207]"),
        ("name: small\n", "", "job.yaml:1:1 'name' is missing. Fix: add `name:`. [E202]"),
        ("  target: label\n", "", "job.yaml:3:1 data: 'target' is missing. Fix: add `target:`. [E202]"),
        ("seed: 3", "epoch: 3", "job.yaml:2:1 epoch: unknown key 'epoch'."
                                " Did you mean 'epochs' in the section `fit`? [E201]"),
        ("seed: 3", "seed: x", "job.yaml:2:7 seed: a whole number is expected (got 'x')."
                               " Fix: write a whole number, without quotes or a decimal point, such as 0. [E205]"),
        ("seed: 3", "seed: 18446744073709551616", "job.yaml:2:7 seed: a number below 2147483648 is expected"
                                                  " (got 18446744073709551616). Fix: write a smaller number, such as 0. [E206]"),
        ("epochs: 2", "epochs: true", "job.yaml:15:15 fit.epochs: a whole number is expected (got true)."
                                      " Fix: write a whole number, without quotes or a decimal point, such as 1. [E205]"),
        ("split: 0.2", "split: 1.0", "job.yaml:15:52 fit.validation_split: a number below 1 is expected"
                                     " (got 1.0). Fix: write a smaller number, such as 0.0. [E206]"),
        ("split: 0.2", "split: .nan", "job.yaml:15:52 fit.validation_split: a finite number is expected"
                                      " (got nan). Fix: write a finite number, such as 0.0. [E206]"),
        ("fit: {epochs: 2, batch_size: 32, validation_split: 0.2}", "fit:",
         "job.yaml:15:5 fit: a mapping is expected, not null. Fix: write its keys on lines of their own below it. [E205]"),
        ("target: label", "target: image", "job.yaml:6:11 data.target: the target is also a feature"
                                           " (got 'image'). Fix: remove it from `features`, or name another target. [E405]"),
        ("target: label", "target: label\n  sample_weight: label",
         "job.yaml:7:18 data.sample_weight: the column of weights is also the target (got 'label')."
         " Fix: name another column. [E405]"),
        ("target: label", "target: label\n  sample_weight: image",
         "job.yaml:7:18 data.sample_weight: the column of weights is also a feature (got 'image')."
         " Fix: name another column. [E405]"),
        ("target: label", "target: label\n  sample_weights: w", "job.yaml:7:3 data.sample_weights: unknown key"
                                                  " 'sample_weights'. Did you mean 'sample_weight'? [E201]"),
        ("target: label", "target: label\n  csv: {delimeter: x}", "job.yaml:7:9 data.csv.delimeter: unknown key"
                                                  " 'delimeter'. Did you mean 'delimiter'? [E201]"),
        ("target: label", "target: label\n  csv: {quote: x}", "job.yaml:7:9 data.csv.quote: unknown key 'quote'."
                                             " Fix: use one of decimal_point, delimiter, encoding. [E201]"),
        ("target: label", "target: label\n  storage: {host: x}", "job.yaml:7:13 data.storage.host: unknown key 'host'."
                                                  " Fix: use one of anonymous, endpoint, region. [E201]"),
        ("epochs: 2", "compile: grpah", "job.yaml:15:16 fit.compile: 'auto', 'xla', 'graph', 'eager' or 'stock' is"
                                        " expected (got 'grpah'). Did you mean 'graph'? [E206]"),
        ("seed: 3", "limits: {stall: never}", "job.yaml:2:17 limits.stall: a time is a positive number with a unit"
                    " (got 'never'). Fix: write auto, off, or a time such as 30m or 2h. [E206]"),
        ("seed: 3", "limits: {stal: off}", "job.yaml:2:10 limits.stal: unknown key 'stal'."
                                           " Did you mean 'stall'? [E201]"),
        ("epochs: 2", "class_weight: balance", "job.yaml:15:21 fit.class_weight: unknown class weights"
                                               " (got 'balance'). Did you mean 'balanced'? [E206]"),
        ("epochs: 2", "class_weight: [1, 2]", "job.yaml:15:21 fit.class_weight: class weights are `balanced`, or a"
         " mapping of classes to weights (got [1, 2]). Fix: write balanced, or a weight for each class, as"
         " {0: 1.0, 1: 5.0}. [E205]"),
        ("epochs: 2", "class_weight: {1: -2}", "job.yaml:15:25 fit.class_weight.1: a weight is a number of at least 0"
                                               " (got -2). Fix: write 1.0, for example. [E206]"),
        ("epochs: 2", "class_weight: {a: true}", "job.yaml:15:25 fit.class_weight.a: a weight is a number"
                                                 " (got true). Fix: write a number, without quotes. [E205]"),
        ("epochs: 2", "class_weight: {1: .inf}", "job.yaml:15:25 fit.class_weight.1: a weight is a number of at least 0"
                                                 " (got inf). Fix: write 1.0, for example. [E206]"),
        (", direction: maximize", "", "job.yaml:16:1 objective: 'direction' is missing. Fix: add `direction: minimize` or `direction: maximize`. [E202]"),
        ("8, 8, 1", "", "job.yaml:5:46 data.features.image.shape: at least one item is needed (got [])."
                        " Fix: write an item, or remove the key. [E206]"),
    ],
)  # fmt: skip
def test_one_mistake_makes_one_line(old: str, new: str, line: str) -> None:
    assert line in errors(changed((old, new)))
    if "fit:" not in new:
        assert len(errors(changed((old, new)))) == 1


@pytest.mark.parametrize(
    ("gpus", "fix"),
    [
        ("many", "write a number, such as 1 or 0.5, or auto: one where the cluster has GPUs, else none."),
        ("true", "write a number, such as 1 or 0.5, or auto: one where the cluster has GPUs, else none."),
        (".inf", "write a number, such as 1 or 0.5, or auto: one where the cluster has GPUs, else none."),
        ("-1", "write 0 for none."),
        ("0.001", "write 0 for none, or 0.01 or more of one."),
        ("1.5", "write 1 or 2, or a part below 1: only one GPU can be shared."),
        ("65", "write 64 or fewer."),
        ("100.5", "write 64 or fewer."),
    ],
)
def test_what_gpus_can_be_written_is_told(gpus: str, fix: str) -> None:
    (line,) = errors(changed(("seed: 3", f"resources: {{gpus: {gpus}}}")))
    assert line.startswith("job.yaml:2:19 resources.gpus: a whole number from 0 to 64,")
    assert line.endswith("[E206]")
    assert f" Fix: {fix} [" in line


@pytest.mark.parametrize(
    "name", ["../x", "/abs", "a/b", "..", ".", '""', "x" * 300, "CON", '"a\\nb"', '"\\e[31m"', '"\\u202e"', "-rf"]
)
def test_names_that_could_be_paths_or_options_are_refused(name: str) -> None:
    (line,) = errors(changed(("name: small", f"name: {name}")))
    assert line.startswith("job.yaml:1:7 name: ")
    assert line.endswith("[E701]")
    assert line.isprintable()


@pytest.mark.parametrize(("written", "name"), [("no", "no"), ("2024-01-01", "2024-01-01"), ("'010'", "010")])
def test_names_that_yaml_1_1_reads_as_something_else(written: str, name: str) -> None:
    assert parse(changed(("name: small", f"name: {written}"))).name == name


def test_a_value_that_could_not_be_read_is_told_once() -> None:
    lines = errors(changed(("epochs: 2", "epochs: *x"), ("seed: 3", "seed: !t 3"), ("units: 16", "units: 1e999")))
    assert [code_of(line) for line in lines] == ["E107", "E114", "E106"]


def test_more_than_twenty_mistakes_are_counted() -> None:
    lines = errors(SPEC + "".join(f"key{number}: 1\n" for number in range(30)))
    assert len(lines) == 21
    assert lines[-1] == "... and 10 more"


@pytest.mark.parametrize(
    ("replacements", "code", "place"),
    [
        ([("  target: label", "  validation: test.parquet\n  target: label")], "E209", "16:34 fit.validation_split"),
        ([("seed: 3", "search: {sampler: grid, trials: 3}")], "E209", "2:25 search.trials"),
        ([("seed: 3", "search: {trials: 3}")], "E209", "2:10 search.trials"),
        (
            [("split: 0.2}", "split: 0.2, callbacks: [EarlyStopping: {monitor: val_acc}]}")],
            "E311",
            "15:94 fit.callbacks.0.EarlyStopping.monitor",
        ),
        ([("metric: val_accuracy", "metric: val_acc")], "E312", "16:21 objective.metric"),
        ([(", validation_split: 0.2", "")], "E312", "16:21 objective.metric"),
        ([("  - Flatten\n", "")], None, ""),
        ([("Flatten", "LSTM: {units: 3}")], "E309", "8:5 model.0"),
    ],
)
def test_conflicts_between_sections(replacements: list[tuple[str, str]], code: str | None, place: str) -> None:
    if code is None:
        parse(changed(*replacements))
        return
    (line,) = errors(changed(*replacements))
    assert line.startswith(f"job.yaml:{place}")
    assert code_of(line) == code


@pytest.mark.parametrize(
    ("old", "new"),
    [("fit:", "fitt:"), ("validation_split", "validation_splt"), ("metrics", "metric"), ("[accuracy]", "[acuracy]")],
)
def test_a_slip_is_not_told_a_second_time_by_what_it_makes_missing(old: str, new: str) -> None:
    assert len(errors(changed((old, new)))) == 1


def test_conflicts_are_told_beside_mistakes_elsewhere_in_the_same_section() -> None:
    text = changed(("epochs: 2", "epochs: 0"), ("metric: val_accuracy", "metric: val_auc"), ("name: small", "name: 3"))
    assert [code_of(line) for line in errors(text)] == ["E207", "E206", "E312"]


@pytest.mark.parametrize(
    ("validated", "metric"),
    [
        (", validation_split: 0.2", "val_loss"),
        ("", "loss"),
        (", validation_split: {choice: [0.2, 0.1]}", "val_loss"),
        (", validation_split: {choice: [0.2, 0.0]}", "loss"),
    ],
)
def test_the_default_objective_is_a_loss_that_every_trial_has(validated: str, metric: str) -> None:
    text = changed(
        ("objective: {metric: val_accuracy, direction: maximize}\n", ""), (", validation_split: 0.2", validated)
    )
    job = parse(text)
    assert (job.objective.metric, job.objective.direction) == (metric, "minimize")


def test_what_only_a_combination_makes_wrong_is_told_by_the_plan() -> None:
    text = changed(
        (
            "{Adam: {learning_rate: 0.001}}",
            "{SGD: {nesterov: {choice: [false, true]}, momentum: {choice: [0.5, 0.0]}}}",
        ),
        ("seed: 3", "search: {sampler: grid}"),
    )
    (line,) = plan_errors(text)
    assert line.startswith("job.yaml:12:48 compile.optimizer.SGD.nesterov.choice.1: nesterov does nothing")
    assert line.endswith("[E304]")
    assert "with compile.optimizer.SGD.nesterov=true, compile.optimizer.SGD.momentum=0.0. Fix: " in line


@pytest.mark.parametrize("path", sorted(JOBS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_jobs_are_right(path: Path) -> None:
    assert plan_of(path).trials


def test_loading_imports_no_big_library() -> None:
    code = (
        "import sys, seqjobs.jobspec.load\n"
        "print(*sorted({'numpy', 'pyarrow', 'ray', 'tensorflow', 'keras', 'rich', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("size", ["0", "-1", "4 bananas", "4GIB", "GiB", "true", "1.5", "null GiB", "-4GiB", "1e9"])
def test_a_size_that_is_none(size: str) -> None:
    (line,) = errors(changed(("seed: 3", f"resources: {{memory: {size}}}")))
    assert line.startswith("job.yaml:2:21 resources.memory: a size is a positive number with a unit (got ")
    assert line.endswith("[E206]")
    assert line.endswith("Fix: write 4GiB; units are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB. [E206]")


@pytest.mark.parametrize("size", ["4", "4096", "100kB", "9999TiB", "999999999999999TB"])
def test_a_size_that_no_worker_has(size: str) -> None:
    (line,) = errors(changed(("seed: 3", f"resources: {{memory: {size}}}")))
    assert "resources.memory: a size is between 1MiB and 1024TiB" in line


def test_metrics_with_weights_have_columns_of_their_own() -> None:
    both = ("[accuracy]", "[accuracy]\n  weighted_metrics: [accuracy, mae]")
    for metric in ("val_accuracy", "val_weighted_accuracy", "mae"):
        assert parse(changed(both, ("metric: val_accuracy", f"metric: {metric}"))).objective.metric == metric
    (line,) = errors(changed(both, ("metric: val_accuracy", "metric: weighted_mae")))
    assert line.startswith("job.yaml:17:21 objective.metric: the history of this job has no column 'weighted_mae'")
    assert line.endswith("[E312]")
    assert "val_loss, val_accuracy, val_weighted_accuracy, val_mae" in line
    alone = ("metrics: [accuracy]", "weighted_metrics: [accuracy]")
    assert parse(changed(alone)).objective.metric == "val_accuracy"


def test_a_metric_twice_among_those_with_weights() -> None:
    (line,) = errors(changed(("[accuracy]", "[accuracy]\n  weighted_metrics: [mae, mae]")))
    assert line.startswith("job.yaml:15:27 compile.weighted_metrics.1: two metrics would have the history column")
    assert line.endswith("[E306]")


def test_class_weights_may_vary() -> None:
    text = changed(("epochs: 2", "class_weight: {0: 1, 1: {choice: [2, 4]}}"), ("seed: 3", "search: {sampler: grid}"))
    weights = [trial.spec.fit.class_weight for trial in plan_of_texts(DATA, text).trials]
    assert weights == [{"0": 1.0, "1": 2.0}, {"0": 1.0, "1": 4.0}]
    (trial,) = plan_of_texts(DATA, SPEC, overrides=["fit.class_weight.3=0.5"]).trials
    assert trial.spec.fit.class_weight == {"3": 0.5}
