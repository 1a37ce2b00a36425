"""Plans: ids that mean the same results, seeds, order; and nothing of the machine they are made on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqjobs.errors import SpecError
from seqjobs.planning.expansion import expand_jobs
from seqjobs.planning.plan import Plan
from seqjobs.planning.resources import Resources
from tests.fixtures.plans import plan_of_texts, table_of_texts
from tests.jobspec.spec_texts import DATA, SPEC, changed, parse

GOLDEN = Path(__file__).parent / "golden_plan.json"

SEARCH = changed(
    ("seed: 3", "seed: 3\nsearch: {sampler: grid, repeats: 2}"),
    ("units: 16", "units: {choice: [8, 16]}"),
    (
        "{Adam: {learning_rate: 0.001}}",
        "{choice: [{Adam: {learning_rate: {uniform: [0.001, 0.003], step: 0.002}}}, {SGD: {momentum: 0.9}}]}",
    ),
)
RANDOM = changed(
    ("name: small", "name: random"),
    ("seed: 3", "search: {trials: 5}"),
    ("units: 16", "units: {log_int_uniform: [4, 64]}"),
    ("learning_rate: 0.001", "learning_rate: {log_uniform: [1e-4, 1e-2]}"),
)


def ids(text: str) -> list[str]:
    return [trial.id for trial in table_of_texts(DATA, text).trials]


def described(plan: Plan) -> list[dict[str, object]]:
    keys = list(dict.fromkeys(pack.program_key for pack in plan.packs))
    return [
        {
            "id": trial.id,
            "pack": pack.id,
            "job": trial.job,
            "number": trial.number,
            "repeat": trial.repeat,
            "seed": trial.seed,
            "program": keys.index(pack.program_key),
            "hyperparameters": dict(trial.hyperparameters),
        }
        for pack in plan.packs
        for trial in pack.trials
    ]


def test_ids_seeds_and_order_are_those_of_the_golden_file() -> None:
    """A run is resumed by its ids: when this fails, runs of the version before cannot be resumed.

    To write the file anew: `python -m tests.planning.test_plan`.
    """
    assert described(plan_of_texts(DATA, SEARCH, RANDOM)) == json.loads(GOLDEN.read_text())


def test_a_plan_is_the_same_in_any_process() -> None:
    code = (
        "import json\nfrom tests.planning.test_plan import *\n"
        "print(json.dumps([[p.id, p.program_key, p.dataset] for p in plan_of_texts(DATA, SEARCH, RANDOM).packs]))"
    )
    outputs = set()
    for hash_seed in ("0", "1"):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed}
        root = Path(__file__).parent.parent.parent
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, cwd=root, capture_output=True, text=True, check=True
        )
        outputs.add(done.stdout)
    here = json.dumps([[pack.id, pack.program_key, pack.dataset] for pack in plan_of_texts(DATA, SEARCH, RANDOM).packs])
    assert outputs == {here + "\n"}


@pytest.mark.parametrize(
    ("written", "stall"), [("", "auto"), ("stall: auto", "auto"), ("stall: off", "off"), ("stall: 2h", 7200.0)]
)
def test_packs_know_for_how_long_their_worker_may_be_silent(written: str, stall: object) -> None:
    assert {
        pack.stall for pack in plan_of_texts(DATA, changed(("seed: 3", f"seed: 3\nlimits: {{{written}}}"))).packs
    } == {stall}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Dense: {units: 16, activation: relu}", "Dense: {activation: relu, units: 16}"),
        ("units: 16", "units: 16, use_bias: true"),
        ("{Adam: {learning_rate: 0.001}}", "adam"),
        ("{Adam: {learning_rate: 0.001}}", "Adam"),
        ("{Adam: {learning_rate: 0.001}}", "{adam: {learning_rate: 1e-3}}"),
        ("epochs: 2, batch_size: 32", "batch_size: 32, epochs: 2, shuffle: true, callbacks: []"),
        ("seed: 3", "# a comment\nseed: 3"),
        ("train: train.parquet", "train: [train.parquet]"),
        ("- Flatten", "- Flatten: {}"),
        ("seed: 3", "seed: 3\nkeep: {best: 9}"),
        ("seed: 3", "seed: 3\nresources: {memory: 4GiB}"),
        ("epochs: 2", "epochs: 2, compile: auto, class_weight: null"),
        ("[accuracy]", "[accuracy]\n  weighted_metrics: []"),
        ("seed: 3", "seed: 3\nlimits: {retries: 5, trial_time: 1h, stall: off}"),
        ("objective: {metric: val_accuracy, direction: maximize}", "objective: {metric: loss, direction: minimize}"),
        ("objective: {metric: val_accuracy, direction: maximize}", ""),
    ],
)
def test_ids_are_equal_for_specs_that_mean_the_same(old: str, new: str) -> None:
    assert ids(changed((old, new))) == ids(SPEC)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: small", "name: other"),
        ("seed: 3", "seed: 4"),
        ("seed: 3", "seed: 3\nresources: {cpus: 2}"),
        ("units: 16", "units: 17"),
        ("relu", "tanh"),
        ("0.001", "0.002"),
        ("epochs: 2", "epochs: 3"),
        ("batch_size: 32", "batch_size: 16"),
        ("validation_split: 0.2", "validation_split: 0.1"),
        ("rescale: 0.0625", "rescale: 0.125"),
        ("train: train.parquet", "train: test.parquet"),
        ("epochs: 2", "epochs: 2, shuffle: false"),
        ("epochs: 2", "epochs: 2, callbacks: [TerminateOnNaN]"),
        ("epochs: 2", "epochs: 2, compile: graph"),
        ("epochs: 2", "epochs: 2, class_weight: balanced"),
        ("epochs: 2", "epochs: 2, class_weight: {0: 2}"),
        ("[accuracy]", "[accuracy]\n  weighted_metrics: [accuracy]"),
        ("target: label", "target: label\n  sample_weight: weight"),
        ("[accuracy]", "[accuracy, SparseTopKCategoricalAccuracy]"),
        ("{image: {rescale: 0.0625, shape: [8, 8, 1]}}", "{image: {rescale: 0.0625, shape: [1, 8, 8]}}"),
    ],
)
def test_ids_differ_for_all_that_changes_the_result(old: str, new: str) -> None:
    assert ids(changed((old, new))) != ids(SPEC)


def test_class_weights_mean_the_same_however_they_are_written() -> None:
    weights = ["{0: 2, 7: 0.5}", "{'7': 0.5, '0': 2.0}"]
    first, second = (ids(changed(("epochs: 2", f"epochs: 2, class_weight: {text}"))) for text in weights)
    assert first == second
    assert first != ids(changed(("epochs: 2", "epochs: 2, class_weight: {0: 2, 7: 0.6}")))


def test_the_memory_of_a_worker_is_a_resource() -> None:
    memories = [("4GiB", 4 << 30), ("1.5 GB", 1_500_000_000), ("1073741824", 1 << 30)]
    for text, expected in memories:
        (pack,) = plan_of_texts(DATA, changed(("seed: 3", f"resources: {{memory: {text}}}"))).packs
        assert pack.resources == Resources(memory=expected)
    assert plan_of_texts(DATA, SPEC).packs[0].resources == Resources()


def test_the_order_of_the_features_changes_the_result() -> None:
    orders = [changed(("{image: {rescale: 0.0625, shape: [8, 8, 1]}}", order)) for order in ("[a, b]", "[b, a]")]
    first, second = (table_of_texts(DATA, text) for text in orders)
    assert first.trials[0].id != second.trials[0].id
    assert first.datasets[0].id != second.datasets[0].id
    mapped = changed(("{image: {rescale: 0.0625, shape: [8, 8, 1]}}", "{a: raw, b: {}}"))
    assert ids(mapped) == [first.trials[0].id]


def test_repeats_train_each_assignment_under_the_following_seeds() -> None:
    plan = plan_of_texts(DATA, SEARCH)
    assert len(plan.trials) == 12
    for trial in plan.trials:
        assert trial.seed == 3 + trial.repeat
    assert len({trial.id for trial in plan.trials}) == 12
    once = SEARCH.replace("repeats: 2", "repeats: 1").replace("seed: 3", "seed: 4")
    assert {trial.id for trial in plan.trials if trial.repeat == 1} == set(ids(once))


def test_trials_of_one_program_stand_together() -> None:
    keys = [pack.program_key for pack in plan_of_texts(DATA, SEARCH, RANDOM).packs]
    runs = [key for index, key in enumerate(keys) if index == 0 or keys[index - 1] != key]
    assert len(runs) == len(set(runs)) < len(keys)


def key_of(*replacements: tuple[str, str]) -> str:
    (trial,) = table_of_texts(DATA, changed(*replacements)).trials
    return trial.program_key


def test_a_program_is_shared_whatever_the_learning_rate_but_nothing_else() -> None:
    same = key_of()
    for old, new in [
        ("0.001", "0.5"),
        ("seed: 3", "seed: 9"),
        ("name: small", "name: other"),
        ("epochs: 2", "epochs: 7"),
        ("seed: 3", "resources: {memory: 2GiB}"),
    ]:
        assert key_of((old, new)) == same
    schedule = "{CosineDecay: {initial_learning_rate: 0.1, decay_steps: STEPS}}"
    others = [
        ("learning_rate: 0.001", "learning_rate: 0.001, beta_1: 0.8"),
        ("Adam", "SGD"),
        ("units: 16", "units: 8"),
        ("batch_size: 32", "batch_size: 16"),
        ("[accuracy]", "[accuracy, SparseTopKCategoricalAccuracy]"),
        ("rescale: 0.0625", "rescale: 0.5"),
        ("0.001", schedule.replace("STEPS", "10")),
        ("0.001", schedule.replace("STEPS", "20")),
        ("epochs: 2", "epochs: 2, compile: xla"),
        ("epochs: 2", "epochs: 2, class_weight: balanced"),
        ("[accuracy]", "[accuracy]\n  weighted_metrics: [accuracy]"),
        ("target: label", "target: label\n  sample_weight: weight"),
    ]
    keys = {same, *(key_of(other) for other in others)}
    assert len(keys) == len(others) + 1
    # How much a class counts is in the rows.
    assert key_of(("epochs: 2", "epochs: 2, class_weight: {0: 2}")) == key_of(
        ("epochs: 2", "epochs: 2, class_weight: balanced")
    )


def lines_of(*texts: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        plan_of_texts(DATA, *texts)
    return [line.replace(str(DATA / "job.yaml"), "job.yaml") for line in caught.value.lines]


def test_two_jobs_of_one_name() -> None:
    assert lines_of(SPEC, changed(("epochs: 2", "epochs: 3"))) == [
        "job.yaml:1:7 name: another job is also named 'small', in job.yaml:1:7. Fix: rename one of them. [E208]"
    ]


THREE = "{choice: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27]}"


@pytest.mark.parametrize(
    ("search", "what"),
    [
        ("search: {sampler: grid, repeats: 10}", "the grid has 19,683 assignments, repeated 10 times,"),
        ("search: {trials: 19000, repeats: 6}", "the search asks for 19,000 assignments, repeated 6 times,"),
    ],
)
def test_too_many_trials_are_refused_before_they_are_made(search: str, what: str) -> None:
    text = changed(("seed: 3", search), ("units: 16", f"units: {THREE}"), ("batch_size: 32", f"batch_size: {THREE}"))
    (line,) = lines_of(text.replace("epochs: 2", f"epochs: {THREE}"))
    assert line.startswith(f"job.yaml:2:1 search: {what} and a run has at most 100,000. Fix: ")
    assert line.endswith("[E501]")


def test_too_many_trials_of_several_jobs_are_refused() -> None:
    texts = [changed(("seed: 3", "search: {trials: 60000}"), ("name: small", f"name: job{n}"),
                     ("learning_rate: 0.001", "learning_rate: {uniform: [0.1, 1]}")) for n in range(2)]  # fmt: skip
    (line,) = lines_of(*texts)
    assert line.startswith("job.yaml:2:1 search: the 2 jobs make 120,000 trials, and a run has at most 100,000.")
    assert line.endswith("[E501]")


def test_random_trials_are_never_the_same_twice() -> None:
    text = changed(("seed: 3", "search: {trials: 9}"), ("units: 16", "units: {int_uniform: [1, 10]}"))
    units = [trial.hyperparameters["model.1.Dense.units"] for trial in plan_of_texts(DATA, text).trials]
    assert len(units) == len(set(units)) == 9


@pytest.mark.parametrize("trials", [300, 1000])
def test_more_trials_than_a_finite_space_has_give_all_of_it(trials: int) -> None:
    text = changed(("seed: 3", f"search: {{trials: {trials}}}"), ("units: 16", "units: {log_int_uniform: [1, 300]}"))
    assert {trial.hyperparameters["model.1.Dense.units"] for trial in plan_of_texts(DATA, text).trials} == set(
        range(1, 301)
    )


@pytest.mark.parametrize("search", ["{sampler: grid}", "{trials: 10}", "{trials: 3}"])
def test_assignments_that_mean_the_same_are_one_trial(search: str) -> None:
    optimizers = "{choice: [adam, Adam, {Adam: {learning_rate: {choice: [0.001, 0.01]}}}, {Adam: {epsilon: 1e-6}}]}"
    plan = plan_of_texts(
        DATA, changed(("seed: 3", f"search: {search}"), ("{Adam: {learning_rate: 0.001}}", optimizers))
    )
    written = [json.dumps(trial.spec.compile.optimizer.canonical()) for trial in plan.trials]
    assert len(written) == len(set(written)) == 3
    assert len({trial.id for trial in plan.trials}) == 3
    assert sorted(trial.number for trial in plan.trials) == [0, 1, 2]


def test_a_plan_touches_no_file() -> None:
    jobs = [parse(SEARCH), parse(RANDOM)]

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in ("open", "os.listdir", "os.mkdir", "os.scandir", "socket.connect"):
            raise AssertionError(f"{event} {arguments}")

    watching = True
    sys.addaudithook(refuse)
    try:
        plan = expand_jobs(jobs)
    finally:
        watching = False
    assert len(plan.trials) == 17


def test_no_jobs_make_an_empty_plan() -> None:
    assert expand_jobs([]).trials == ()


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(described(plan_of_texts(DATA, SEARCH, RANDOM)), indent=1) + "\n")


def test_what_is_held_back_tells_datasets_apart_only_where_something_is_learned() -> None:
    """So that trials with other splits share the rows they can share, and no validation row is learned from."""

    def datasets(features: str) -> list[float]:
        column = "{image: {rescale: 0.0625, shape: [8, 8, 1]}}"
        text = changed((column, features), ("validation_split: 0.2", "validation_split: {choice: [0.2, 0.3]}"))
        plan = plan_of_texts(DATA, text.replace("seed: 3", "seed: 3\nsearch: {sampler: grid}"))
        assert {trial.dataset for trial in plan.trials} == {source.id for source in plan.datasets}
        return [source.validation_split for source in plan.datasets]

    assert datasets("{image: {rescale: 0.0625, shape: [8, 8, 1]}}") == [0.0]
    assert datasets("{image: [{clip: {low: 0}}, {shape: [8, 8, 1]}]}") == [0.0]
    assert datasets("{image: [{impute: 0}, {bucketize: [3, 5]}, {shape: [8, 8, 1]}]}") == [0.0]
    assert datasets("{image: [standardize, {shape: [8, 8, 1]}]}") == [0.2, 0.3]


def test_the_order_of_operations_is_part_of_an_id() -> None:
    column = "{image: {rescale: 0.0625, shape: [8, 8, 1]}}"

    def trial_ids(features: str) -> list[str]:
        return ids(changed((column, features)))

    assert trial_ids("{image: [log1p, standardize]}") != trial_ids("{image: [standardize, log1p]}")
    assert trial_ids("{image: {log1p: null, standardize: null}}") == trial_ids("{image: [log1p, standardize]}")
    assert trial_ids("{image: [{shape: [8, 8, 1]}, {rescale: 0.0625}]}") == trial_ids(column)
