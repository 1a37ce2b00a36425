"""`python -m tests.bad_input.fuzz specs|files|tables`: bad input is accepted or refused, and nothing else happens.

`specs`: each changed spec is read from a file through the public door. It gives a plan whose values are plain data of
the tables, or a SpecError whose lines have a code, a place and a fix. No other file is opened, no process is started,
no host is reached and no large library is imported.

`files`: each changed Parquet file gives a dataset, or a DataError with a place and a fix. If Arrow ends the process,
the file stays in `--folder`.

`tables`: each random table is checked, decoded, predicted and evaluated with random operations, or refused by an error
with a code, a place and a fix. What the check accepts has the type and the shape that the check told.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import hypothesis
from hypothesis import given, settings
from hypothesis import strategies as st

from seqjobs.errors import SpecError
from seqjobs.jobspec.load import load_job
from seqjobs.planning.expansion import expand_jobs
from seqjobs.planning.proposals import num_wanted
from tests.bad_input.changed_specs import OVERRIDES, TEXTS, changed_specs
from tests.bad_input.hostile import check_plain
from tests.bad_input.watch import Watch
from tests.jobspec.spec_texts import JOBS, LINE

MEMORY_BYTES = 4 << 30
MAX_TRIALS = 50

Outcomes = Counter[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=FUZZERS)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="folder for the files; a new one that is deleted if not given")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    outcomes: Outcomes = Counter()
    with tempfile.TemporaryDirectory() as folder:
        test = FUZZERS[arguments.kind](arguments.folder or Path(folder), outcomes)
        chosen = settings(
            max_examples=arguments.examples,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.seed(arguments.seed)(chosen(test))()
    print(", ".join(f"{outcome} {count:,}" for outcome, count in sorted(outcomes.items())))


def specs(folder: Path, outcomes: Outcomes) -> Callable[[], None]:
    """Return the test that reads changed specs."""
    path = folder / "job.yaml"
    (folder / "data").symlink_to(JOBS / "data")
    watch = Watch()

    def read(text: str, overrides: list[str]) -> None:
        path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
        watch.seen.clear()
        with watch.looking(path):
            outcomes.update(_outcomes_of(path, overrides))
        assert not watch.seen

    for right in TEXTS:  # imports what is imported at first use
        read(right, [])
    return given(text=changed_specs(), overrides=st.just([]) | OVERRIDES)(read)


def _outcomes_of(path: Path, overrides: list[str]) -> Sequence[str]:
    try:
        job = load_job(path, overrides)
        trials = expand_jobs([job]).trials if num_wanted(job) * job.search.repeats <= MAX_TRIALS else ()
    except SpecError as error:
        return _codes_of(error)
    ids = [trial.id for trial in trials]
    assert len(ids) == len(set(ids))
    for trial in trials:
        check_plain(trial.spec)
    return ["accepted"]


def _codes_of(error: SpecError) -> Sequence[str]:
    assert error.lines
    for line in error.lines:
        assert line.isprintable()
        assert LINE.fullmatch(line), line
    return error.codes


def files(folder: Path, outcomes: Outcomes) -> Callable[[], None]:
    """Return the test that reads changed Parquet files."""
    from seqjobs.data.data_source import DataSource  # noqa: PLC0415
    from seqjobs.data.read import read_dataset  # noqa: PLC0415 (specs are read without it)
    from seqjobs.errors import DataError  # noqa: PLC0415
    from tests.bad_input.changed_files import DATA_SPECS, changed_files  # noqa: PLC0415

    def read(content: bytes, spec: int) -> None:
        (folder / "train.parquet").write_bytes(content)
        refusal: DataError | None = None
        try:
            read_dataset(DataSource(id="0", spec=DATA_SPECS[spec], folder=folder))
        except DataError as error:
            refusal = error
        outcomes[refusal.code if refusal else "read"] += 1
        assert refusal is None or (refusal.where and refusal.fix and str(refusal).isprintable())

    return given(content=changed_files(), spec=st.sampled_from(range(len(DATA_SPECS))))(read)


def tables(folder: Path, outcomes: Outcomes) -> Callable[[], None]:
    """Return the test that prepares random tables."""
    from tests.bad_input.prepared import Prepared  # noqa: PLC0415
    from tests.bad_input.random_tables import Example, examples  # noqa: PLC0415

    def prepare(example: Example) -> None:
        outcomes.update(Prepared(folder=folder, example=example).outcomes())

    return given(example=examples())(prepare)


FUZZERS = {"specs": specs, "files": files, "tables": tables}

if __name__ == "__main__":
    main()
