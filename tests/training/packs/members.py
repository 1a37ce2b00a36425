"""Packs of real trials, and what each of their members gives by itself."""

from __future__ import annotations

from dataclasses import replace

from seqjobs.data.dataset import Dataset
from seqjobs.planning.plan import Plan, make_plan
from seqjobs.planning.resources import Resources
from seqjobs.planning.trial import Pack, Trial
from seqjobs.training.outcome import EpochReport, PackRunner, TrialOutcome, Weights
from tests.training.trained import Trained, train

Reports = list[EpochReport]


def packs_of(plan: Plan, dataset: Dataset) -> tuple[Pack, ...]:
    """The packs of a plan over the dataset."""
    return make_plan(plan.table, dict.fromkeys((source.id for source in plan.datasets), dataset.schema)).packs


def only_pack(plan: Plan, dataset: Dataset) -> Pack:
    (pack,) = packs_of(plan, dataset)
    assert pack.size > 1, pack.reason
    return pack


def train_pack(runner: PackRunner, pack: Pack, dataset: Dataset) -> tuple[Reports, list[Trained]]:
    """The reports; and of each member the outcome and the weights, of all that did not fail."""
    items = list(runner.run(replace(pack, keep_best=len(pack.trials)), dataset))
    reports = [item for item in items if isinstance(item, EpochReport)]
    outcomes = [item for item in items if isinstance(item, TrialOutcome)]
    weights: list[Weights] = [item for item in items if isinstance(item, tuple)]
    # Without a report the members were trained one by one, which would prove nothing of packs.
    assert len(reports) == max(len(outcome.history.get("loss", ())) for outcome in outcomes)
    assert [outcome.trial_id for outcome in outcomes] == [trial.id for trial in pack.trials]
    return reports, list(zip(outcomes, weights, strict=True))


def train_alone(runner: PackRunner, trial: Trial, dataset: Dataset, compiled: str = "stock") -> Trained:
    """The same trial one at a time, carried out in that way."""
    spec = trial.spec.model_copy(update={"fit": trial.spec.fit.model_copy(update={"compile": compiled})})
    alone = trial.with_spec(spec)
    pack = Pack(
        id=trial.id,
        program_key=f"{trial.id} {compiled}",
        trials=(alone,),
        resources=Resources(),
        retries=0,
    )
    return train(runner, pack, dataset)
