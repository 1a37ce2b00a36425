"""Ray Tune over a Trainable, two trials at a time, with and without actors that are kept."""

from __future__ import annotations

import os
import tempfile
from typing import Any

# Read when Ray is imported: it would write to the screen and look for a newer way to say the same.
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")

import ray
from ray import tune

from tests.benchmarks.peers._base import read_work, report, train
from tests.benchmarks.rows import Rows
from tests.benchmarks.timing import Timing, process_seconds
from tests.benchmarks.workloads import Workload

AT_ONCE = 2


class KerasTrial(tune.Trainable):  # type: ignore[misc]
    """One step is one whole trial: the least that Ray Tune can have to do with it."""

    def setup(self, config: dict[str, Any], workload: Workload, rows: Rows) -> None:
        self._workload, self._rows = workload, rows
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._rate, self._seed = new_config["learning_rate"], new_config["seed"]
        return True

    def step(self) -> dict[str, Any]:
        loss = train(self._workload, self._rows, learning_rate=self._rate, seed=self._seed)
        return {"val_loss": loss, "done": True}

    def save_checkpoint(self, checkpoint_dir: str) -> None: ...

    def load_checkpoint(self, checkpoint: Any) -> None: ...


class Ends(tune.Callback):  # type: ignore[misc]
    """Notes when trials ended."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ARG002
        self.seconds.append(process_seconds())


def main() -> None:
    work = read_work("--reuse-actors")
    ends = Ends()
    with tempfile.TemporaryDirectory() as folder:
        ray.init(address="local", num_cpus=AT_ONCE, include_dashboard=False, log_to_driver=False)
        trainable = tune.with_parameters(KerasTrial, workload=work.workload, rows=work.rows())
        configurations = [{"learning_rate": rate, "seed": seed} for seed, rate in enumerate(work.learning_rates)]
        tune.Tuner(
            tune.with_resources(trainable, {"cpu": 1}),
            param_space=tune.grid_search(configurations),
            tune_config=tune.TuneConfig(
                metric="val_loss",
                mode="min",
                reuse_actors=work.options.reuse_actors,
                max_concurrent_trials=AT_ONCE,
            ),
            run_config=tune.RunConfig(storage_path=folder, callbacks=[ends], verbose=0),
        ).fit()
        ray.shutdown()
    report(Timing.of(ends.seconds, at_once=AT_ONCE))


if __name__ == "__main__":
    main()
