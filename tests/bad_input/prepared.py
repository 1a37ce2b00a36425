"""What is done with a table before training and after it: check, decode, predict, evaluate; in this process."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import hypothesis
import numpy as np
import pyarrow as pa

from seqjobs.data.dataset import Dataset
from seqjobs.data.inspection.schema import inspect_data
from seqjobs.data.labelled_rows import LabelledRows
from seqjobs.data.new_rows import KeptColumns, NewBatch, NewRows, new_source
from seqjobs.data.preparation import Preparation
from seqjobs.data.read import read_dataset
from seqjobs.data.streamed.scratch import remove_rows
from seqjobs.data.tally import Tally
from seqjobs.errors import SeqjobsError, SpecError, UnforeseenError
from seqjobs.execution.in_process import InProcess
from seqjobs.jobspec.load import parse_job
from seqjobs.planning.expansion import TrialTable, expand_jobs
from seqjobs.preview import preview
from seqjobs.results.prediction_file import PredictionFile
from seqjobs.training.finished_model import FinishedModel
from tests.bad_input.random_tables import Example, write
from tests.fixtures.fake_runner import StartFake
from tests.jobspec.spec_texts import LINE

WITHOUT_PLACE = frozenset({"E423"})
"""A column to keep, whose name the message has."""
OF_VALUES = frozenset({"E406", "E407", "E408", "E409", "E410", "E417", "E424", "E431"})
"""What only rows can tell. All else is told before they are read."""


@final
@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An example in files of a folder."""

    folder: Path
    example: Example

    def outcomes(self) -> list[str]:
        """Return what became of each step: a code, or `done`. Raises AssertionError for anything else."""
        example = self.example
        try:
            train = write(example.train, self.folder, "train", (example.suffix, "parquet", "feather"))
            new = write(example.new, self.folder, "new", (example.new_suffix, "parquet", "feather"))
        except ValueError:
            hypothesis.reject()
        table = self._table(train.name)
        if isinstance(table, SeqjobsError):
            return [f"spec {_code(table)}"]
        (source,) = table.datasets
        shown = _outcome(lambda: _plan_data(table))
        schema = _outcome(lambda: inspect_data(source))
        # A spec asks for a megabyte or more.
        small = replace(source, spec=source.spec.model_copy(update={"memory": example.memory}))
        dataset = _outcome(lambda: read_dataset(small))
        if isinstance(schema, SeqjobsError):
            assert isinstance(dataset, SeqjobsError), "decoding accepts what the check refuses"
            assert str(schema) == str(dataset)
            # All mistakes of columns are told, in the order of the spec.
            assert schema.code in (shown.codes if isinstance(shown, SpecError) else [shown.code])
            return [f"checked {_code(schema)}"]
        if isinstance(dataset, SeqjobsError):
            assert dataset.code in OF_VALUES, f"this was to be told before rows are read: {dataset}"
            assert isinstance(shown, SeqjobsError)
            return [f"decoded {_code(dataset)}"]
        try:
            return self._with_dataset(table, dataset, schema, train, new)
        finally:
            remove_rows(dataset.fingerprint)

    def _table(self, train: str) -> Any:
        job = {
            "name": "random",
            "data": {"train": train, **self.example.data},
            "model": ["Flatten", {"Dense": {"units": 1}}],
            "compile": {"optimizer": "sgd", "loss": "mse"},
            "fit": {"epochs": 1, "validation_split": self.example.validation_split},
            "objective": {"metric": "loss", "direction": "minimize"},
        }
        found: TrialTable | SeqjobsError = _outcome(
            lambda: expand_jobs([parse_job(json.dumps(job, indent=1), self.folder / "job.yaml")])
        )
        return found

    def _with_dataset(self, table: TrialTable, dataset: Dataset, schema: Any, train: Path, new: Path) -> list[str]:
        assert dataset.schema == schema
        features = dataset.train.features[:]
        assert features.shape == (len(dataset.train), *schema.feature_shape)
        assert features.dtype == schema.feature_dtype
        assert np.isfinite(features).all()
        stored = Preparation.from_json(json.loads(json.dumps(dataset.preparation.to_json(), allow_nan=False)))
        assert stored == dataset.preparation
        model = FinishedModel(
            trial=table.trials[0],
            weights=(np.ones((1, 1), np.float32),),
            digest="d",
            preparation=stored,
            classes=dataset.classes,
        )
        again = self._predicted(model, dataset, train)
        assert isinstance(again, np.ndarray), f"a row that was trained on is refused: {again}"
        np.testing.assert_array_equal(again[:, 0], features.reshape(len(features), -1).sum(axis=1, dtype=np.float32))
        evaluated = self._evaluated(model, dataset, train)
        assert not isinstance(evaluated, SeqjobsError), evaluated
        later, judged = self._predicted(model, dataset, new), self._evaluated(model, dataset, new)
        return ["prepared", f"predicted {_code(later)}", f"evaluated {_code(judged)}"]

    def _predicted(self, model: FinishedModel, dataset: Dataset, path: Path) -> Any:
        return _outcome(lambda: _predict(model, dataset, path))

    def _evaluated(self, model: FinishedModel, dataset: Dataset, path: Path) -> Any:
        def evaluate() -> Any:
            source, classes = dataset.source, dataset.classes
            rows = LabelledRows.of(
                source,
                [path.name],
                path.parent,
                preparation=model.preparation,
                classes=classes,
                integer=dataset.schema.target_kind == "integer",
            )
            with InProcess(start=StartFake()) as executor:
                return executor.evaluate(model, rows)

        return _outcome(evaluate)


def _predict(model: FinishedModel, dataset: Dataset, path: Path) -> Any:
    """As `seqjobs predict --keep` of every column does."""
    source, names = dataset.source, [chain.name for chain in model.preparation.chains]
    names += ["label"]
    rows = NewRows.find(new_source(source, [path.name], path.parent), model.preparation, names)
    kept, wrong, made = KeptColumns(rows, names), Tally(), []
    content = io.BytesIO()
    with InProcess(start=StartFake()) as executor, PredictionFile(content, is_csv=True) as file:
        for batch, place in rows.batches():
            sent = NewBatch(rows=batch.select(list(rows.features)), place=place)
            (answer,) = executor.predict(model, [sent])
            wrong.merge(answer.wrong)
            if answer.outputs is not None:
                made.append(answer.outputs)
                _write(file, kept.of(batch), answer.outputs)
    wrong.check(rows.rows)
    return np.concatenate(made)


def _write(file: PredictionFile, kept: pa.RecordBatch, outputs: Any) -> None:
    found = _outcome(lambda: file.write(kept, {"prediction": pa.array(outputs[:, 0])}))
    assert found is None or found.code == "E423"  # a column that a cell of CSV cannot hold


def _plan_data(table: TrialTable) -> None:
    """As `seqjobs plan --data` does."""
    preview(table.jobs, reads_rows=True).check_rows()


def _outcome(act: Any) -> Any:
    """Return what is returned, or an error of seqjobs that says all that an error has to say."""
    try:
        return act()
    except SeqjobsError as error:
        found = error
    trace = found.trace if isinstance(found, UnforeseenError) else ""
    assert not trace, f"{found}\n{trace}"
    for line in found.lines if isinstance(found, SpecError) else ():
        assert LINE.fullmatch(line), line
    has_all = (bool(found.where or found.code in WITHOUT_PLACE), bool(found.fix), found.exit_code)
    assert has_all == (True, True, 2), found
    assert str(found).replace("\n", "").isprintable()
    return found


def _code(found: object) -> str:
    return found.code if isinstance(found, SeqjobsError) else "done"
