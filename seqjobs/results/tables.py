"""Trials and histories as Arrow tables, and the files derived from them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from seqjobs.data.memory_limit import memory_limit
from seqjobs.data.reading_note import reading
from seqjobs.results.leaderboard import Entry, Leaderboard, kept_trials
from seqjobs.results.manifest import Manifest, StoredTrial
from seqjobs.results.record import TrialRecord
from seqjobs.results.run_names import HISTORIES, LEADERBOARD, TRIALS
from seqjobs.store.durable import reported
from seqjobs.store.run_store import RunStore, has_content

_JSON = json.JSONEncoder(sort_keys=True)
TRIALS_SCHEMA = pa.schema(
    [
        ("rank", pa.int64()),  # of its assignment within its objective; null if it failed
        ("trial", pa.string()),
        ("job", pa.string()),
        ("status", pa.string()),  # finished, failed
        ("metric", pa.string()),  # the objective's
        ("direction", pa.string()),  # minimize, maximize
        ("value", pa.float64()),  # the metric at `weights_epoch`
        ("mean", pa.float64()),  # of `value` over the finished repeats of the assignment, which ranks it
        ("std", pa.float64()),  # of `value` over the same repeats (n - 1); null for fewer than two
        ("number", pa.int64()),  # of the assignment in its job, from 0
        ("repeat", pa.int64()),
        ("seed", pa.int64()),
        ("epochs", pa.int64()),  # trained
        ("weights_epoch", pa.int64()),  # the epoch, from 0, whose weights the model ended with
        ("seconds", pa.float64()),
        ("attempt", pa.int64()),
        ("compiled", pa.string()),  # xla, graph, eager, stock; null where it was never trained
        ("weights", pa.string()),  # names the file in weights/; null where not kept
        ("failure", pa.string()),
        ("hyperparameters", pa.string()),  # JSON: dotted path -> value
    ]
)
"""The columns that every trials.parquet has. A float64 column per metric follows; see `metric_columns`."""


def metric_columns(leaderboards: Sequence[Leaderboard], taken: Iterable[str]) -> dict[str, str]:
    """Return metric -> name of its column, the objectives' metrics first.

    A metric that is named like another column is called `metric_<name>`.
    """
    others = set(taken)
    objectives = [board.objective.metric for board in leaderboards]
    metrics = [name for board in leaderboards for name in board.metrics]
    known = dict.fromkeys([*(name for name in objectives if name in set(metrics)), *metrics])
    return {name: f"metric_{name}" if name in others else name for name in known}


def trial_table(
    leaderboards: Sequence[Leaderboard], records: Mapping[str, TrialRecord], keep: Mapping[str, int]
) -> pa.Table:
    """Return one row per trial that has ended, in the order of the leaderboards: TRIALS_SCHEMA, then the metrics.

    `keep` is how many weights are kept, by the job's name.
    """
    kept = kept_trials(leaderboards, keep)
    metrics = metric_columns(leaderboards, TRIALS_SCHEMA.names)
    schema = pa.schema([*TRIALS_SCHEMA, *((column, pa.float64()) for column in metrics.values())])
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for board in leaderboards:
        for entry in board.entries:
            for name, value in _trial_row(entry, board, records[entry.trial], kept).items():
                columns[name].append(value)
            for metric, column in metrics.items():
                columns[column].append(entry.metrics.get(metric))
    return pa.Table.from_pydict(columns, schema=schema)


def _trial_row(entry: Entry, board: Leaderboard, record: TrialRecord, kept: AbstractSet[str]) -> dict[str, Any]:
    return {
        "rank": entry.rank,
        "trial": entry.trial,
        "job": entry.job,
        "status": str(entry.status),
        "metric": board.objective.metric,
        "direction": board.objective.direction,
        "value": entry.value,
        "mean": entry.mean,
        "std": entry.std,
        "number": entry.number,
        "repeat": entry.repeat,
        "seed": entry.seed,
        "epochs": entry.epochs,
        "weights_epoch": record.weights_epoch,
        "seconds": entry.seconds,
        "attempt": record.attempt,
        "compiled": record.compiled or None,
        "weights": record.weights if entry.trial in kept else None,
        "failure": _unicode(entry.failure) or None,
        "hyperparameters": _JSON.encode(dict(entry.hyperparameters)),
    }


def history_table(trials: Sequence[StoredTrial], records: Mapping[str, TrialRecord]) -> pa.Table:
    """One row a trial and epoch: `trial` string, `epoch` int64 from 0, then a float64 column per metric.

    A metric that a trial does not have is null; columns stand in the order in which trials bring them.
    """
    known = [(trial.id, records[trial.id].history) for trial in trials if trial.id in records]
    metrics = list(dict.fromkeys(metric for _, history in known for metric in history))
    columns: dict[str, list[Any]] = {"trial": [], "epoch": [], **{metric: [] for metric in metrics}}
    for trial_id, history in known:
        epochs = max((len(values) for values in history.values()), default=0)
        columns["trial"].extend([trial_id] * epochs)
        columns["epoch"].extend(range(epochs))
        for metric in metrics:
            values = history.get(metric, ())
            columns[metric].extend([*values, *[None] * (epochs - len(values))])
    types = {"trial": pa.string(), "epoch": pa.int64()}
    arrays = [pa.array(values, type=types.get(name, pa.float64())) for name, values in columns.items()]
    return pa.Table.from_arrays(arrays, names=list(columns))


CSV_COLUMNS = (
    *("rank", "trial", "job", "status", "metric", "direction", "value", "mean", "std"),
    *("repeat", "seed", "epochs", "seconds"),
)


def leaderboard_csv(leaderboards: Sequence[Leaderboard], *, shown: Callable[[str], str] | None = None) -> str:
    """Return all leaderboards below one another, with a column per metric and per hyperparameter.

    `shown` makes texts safe for what the CSV is printed on.
    """
    entries = [(board, entry) for board in leaderboards for entry in board.entries]
    metrics = metric_columns(leaderboards, CSV_COLUMNS)
    keys = list(dict.fromkeys(key for _, entry in entries for key in entry.hyperparameters))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")

    def cell(value: Any) -> Any:
        text = str(value) if isinstance(value, list | tuple | dict) else value
        return csv_cell(shown(text) if shown is not None and isinstance(text, str) else text)

    writer.writerow([*CSV_COLUMNS, *map(cell, metrics.values()), *map(cell, keys), "failure"])
    for board, entry in entries:
        objective = board.objective
        row: list[Any] = [entry.rank, entry.trial, entry.job, str(entry.status), objective.metric, objective.direction]
        row += [entry.value, entry.mean, entry.std, entry.repeat, entry.seed, entry.epochs, f"{entry.seconds:.3f}"]
        row += [entry.metrics.get(metric) for metric in metrics]
        row += [entry.hyperparameters.get(key) for key in keys]
        writer.writerow(map(cell, [*row, entry.failure]))
    return text.getvalue()


# https://owasp.org/www-community/attacks/CSV_Injection, with the full-width forms that some programs take alike
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_cell(value: Any) -> Any:
    """A cell that a spreadsheet shows and does not run: text that begins like a formula gets a quote before it.

    So does text that begins with a character that cannot be seen: what comes after it may be a formula.
    """
    if not isinstance(value, str):
        return value
    runs = value.startswith(FORMULA_STARTS) or not value[:1].isprintable()
    return _unicode("'" + value if runs else value)


def write_tables(
    store: RunStore,
    leaderboards: Sequence[Leaderboard],
    manifest: Manifest,
    records: Mapping[str, TrialRecord],
) -> None:
    """leaderboard.csv, trials.parquet and histories.parquet: derived, so they may be rewritten at any time.

    One that is as it should be is left alone. Raises StorageError.
    """
    for name, content in table_contents(leaderboards, manifest, records).items():
        with reported("a table cannot be written", store.where(name)):
            if not has_content(store, name, content):
                store.put(name, content)
    # What Arrow's writers took, 30 MB for 10,000 trials, it would keep for a next time that seldom comes.
    pa.default_memory_pool().release_unused()


def table_contents(
    leaderboards: Sequence[Leaderboard], manifest: Manifest, records: Mapping[str, TrialRecord]
) -> dict[str, bytes]:
    """Return the names of the tables with their contents."""
    keep = {job.name: job.keep_best for job in manifest.jobs}
    return {
        LEADERBOARD: leaderboard_csv(leaderboards).encode(),
        TRIALS: _parquet(trial_table(leaderboards, records, keep)),
        HISTORIES: _parquet(history_table(manifest.trials, records)),
    }


def rewritten(name: str, content: bytes) -> bytes:
    """Return a table as this version of Arrow writes it, so that equal tables are equal bytes.

    Raises ValueError or OSError for what is no table.
    """
    if not name.endswith(".parquet"):
        return content
    try:
        with reading(name), memory_limit():
            return _parquet(pq.read_table(io.BytesIO(content)).combine_chunks())
    except (pa.ArrowException, MemoryError) as error:
        raise ValueError(str(error)) from error


def _unicode(text: str) -> str:
    """`text` as UTF-8 can have it: a message may quote a file's name that is not."""
    return text.encode("utf-8", errors="replace").decode()


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
