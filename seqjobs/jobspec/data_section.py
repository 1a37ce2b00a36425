"""DataSpec: the section that says where the rows are and what is a feature."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from seqjobs.errors import DataError
from seqjobs.errors.redaction import has_secret_in_query
from seqjobs.jobspec.column_spec import ColumnSpec, listed_columns, written_column
from seqjobs.jobspec.data_files import REMOTE_SCHEMES, WITH_BUCKETS, scheme_of
from seqjobs.jobspec.quantities import Bytes
from seqjobs.jobspec.rejection import carried_problems, rejection
from seqjobs.jobspec.section import TABLE_KEY, Section
from seqjobs.jobspec.store_hosts import host_of, is_metadata_host

_ENDPOINT = r"^(https?://)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"
# What S3 and Google's store allow, and the capitals of old buckets.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
# The container of `abfs://CONTAINER@HOST`, or the user of HDFS.
_OWNER = re.compile(r"[A-Za-z0-9$._-]*")
# Arrow's client of Azure ends the process if a host has brackets.
_HOST = re.compile(r"[A-Za-z0-9._-]*(:[0-9]{1,5})?")
_SET_CREDENTIALS = "set the store's credentials in the environment"


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise rejection("E401", "a path is a string", value, "name a file, a folder or a glob.")
    if has_secret_in_query(value):
        what, fix = (
            "the address holds a signature or another secret",
            f"write it without its query; {_SET_CREDENTIALS}.",
        )
        raise rejection("E709", what, value, fix)
    scheme = scheme_of(value)
    if scheme is not None and scheme not in REMOTE_SCHEMES:
        places = ", ".join(f"{name}://" for name in REMOTE_SCHEMES)
        what = f"only local files and files in {places} can be read"
        raise rejection("E401", what, value, "copy the data next to the spec.")
    if scheme is not None:
        _check_place(scheme, value)
    return value


def checked_paths(texts: Iterable[str]) -> tuple[str, ...]:
    """Paths of data that stand in no spec. Raises DataError (E401, E707, E709) for what a spec may not have either."""
    try:
        return tuple(map(_path, texts))
    except PydanticCustomError as error:
        (problem,) = carried_problems(error.context or {}, ())
        raise DataError(problem.code, problem.what, where=problem.got, fix=problem.fix) from None


def _check_place(scheme: str, value: str) -> None:
    """Of `abfs://container@host/path` the container is no login, and of `s3://bucket/path` nothing is a host."""
    login, at, host = value.partition("://")[2].partition("/")[0].rpartition("@")
    names_bucket = scheme in WITH_BUCKETS
    if ":" in login or (at and names_bucket):
        raise rejection("E709", "the address holds a login", value, f"remove it; {_SET_CREDENTIALS}.")
    if names_bucket and not _BUCKET.fullmatch(host):
        what = "the bucket is left out" if not host else "this is not the name of a bucket"
        raise rejection("E401", what, value, f"write {scheme}://BUCKET/PATH; only PATH may be a pattern.")
    if not names_bucket:
        _check_host(host, value)
        _check_form(scheme, login, host, value)


def _check_form(scheme: str, owner: str, host: str, value: str) -> None:
    wrong = "a container" if not _OWNER.fullmatch(owner) else "a host" if not _HOST.fullmatch(host) else None
    if wrong is not None:
        what = f"this is not the name of {wrong}, which has letters, digits, dots, hyphens and underscores only"
        container = "CONTAINER@" if scheme.startswith("abfs") else ""
        raise rejection("E401", what, value, f"write {scheme}://{container}HOST/PATH.")


def _endpoint(value: object) -> object:
    if isinstance(value, str):
        host = value.rpartition("://")[2]
        if "@" in host or has_secret_in_query(value):
            raise rejection(
                "E709", "the address holds a login or another secret", value, f"remove it; {_SET_CREDENTIALS}."
            )
        _check_host(host.partition("/")[0], value)
    return value


def _check_host(host: str, value: str) -> None:
    """Refuse hosts at which cloud machines get their own credentials."""
    if is_metadata_host(host_of(host.partition("?")[0])):
        what, fix = "this address serves the credentials of a cloud machine, not data", "name the store's host."
        raise rejection("E707", what, value, fix)


def _listed(value: object) -> object:
    """One thing is a list of one."""
    return value if isinstance(value, list | tuple) else [value]


PathText = Annotated[str, BeforeValidator(_path), WithJsonSchema({"type": "string"})]
Paths = Annotated[
    tuple[PathText, ...],
    BeforeValidator(_listed),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]


Operations = Annotated[ColumnSpec, BeforeValidator(written_column)]
_FEATURES_SCHEMA = {
    "anyOf": [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "additionalProperties": {TABLE_KEY: "column"}},
    ]
}


def _one_byte(value: str) -> str:
    """Arrow looks for the bytes of these characters, and begins values with quotes and rows with line breaks."""
    if not value.isascii() or value in '\0\r\n"':
        what = "an ASCII character that is neither a quote nor a line break is expected"
        raise rejection("E206", what, value, 'write one such as ";", or write the file again with another one.')
    return value


class CsvSpec(Section):
    """The form of CSV files, if it is not the usual one."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_one_byte)] | None = None
    """The character between two values. If left out: a comma, or a tab in files that end in .tsv."""
    decimal_point: Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_one_byte)] = "."
    """The character before the decimals of a number."""
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"
    """The encoding of the text: `utf-8`, `latin-1` or `utf-16`."""


class StorageSpec(Section):
    """How object stores are reached. Credentials come from the environment, in the variables that the stores' own
    tools read; a spec never holds them."""

    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] | None = None
    """The region of an S3 bucket. If left out, seqjobs asks S3 for it."""
    endpoint: Annotated[str, Field(pattern=_ENDPOINT), BeforeValidator(_endpoint)] | None = None
    """The address of a store that is compatible with S3 or with Google's store: `http://localhost:9000`."""
    anonymous: bool = Field(default=False, strict=True)
    """Whether to read without credentials, for public data."""


ColumnType = Literal[
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "string"
]


class DataSpec(Section):
    """The rows to read, the feature columns and the target column."""

    train: Paths
    """The training rows: a file, a folder, a glob, or a list of these; relative to the spec file.

    The file extension sets the format: Parquet, CSV, TSV, Feather (Arrow IPC), ORC or JSON lines. Text may
    be compressed (`.csv.gz`, `.jsonl.zst`). Folders named `column=value` become columns.
    """
    validation: Paths | None = None
    """The rows to validate on, written like `train`. Use this, or `fit.validation_split`, or neither."""
    features: Annotated[
        dict[str, Operations] | None, BeforeValidator(listed_columns), WithJsonSchema(_FEATURES_SCHEMA)
    ] = None
    """The columns that are features. A list takes them as they are; a mapping has operations for each column.

    An operation is a name such as `log1p`, a mapping such as `{clip: {low: 0}}`, or a list of these. If left out: all
    columns but `target` and `sample_weight`.
    """
    others: Literal["raw"] | None = None
    """`raw` adds the columns that `features` does not name, as they are, after the named ones."""
    target: str = Field(min_length=1)
    """The column to predict: integers, floats or strings. Strings are numbered in sorted order."""
    types: dict[str, ColumnType] = Field(default_factory=dict)
    """Types of columns of CSV and JSON lines that cannot be inferred: `{zip: string, pixel: uint8}`."""
    storage: StorageSpec | None = None
    """How object stores are reached, for paths such as `s3://bucket/train/*.parquet`. Rarely needed."""
    csv: CsvSpec | None = None
    """The form of CSV files, if it is not the usual one: `{delimiter: ";", decimal_point: ","}`."""
    memory: Bytes | None = None
    """The most memory that the decoded rows may take.

    More rows are stored in a temporary file on each machine and read a window at a time. That changes the order of the
    rows, and so the results, as another seed does.
    """
    sample_weight: Annotated[str, Field(min_length=1)] | None = None
    """A column of numbers, 0 or more: the weight of each row in the loss and in `compile.weighted_metrics`.

    Validation rows are weighted too. The column is not a feature.
    """

    @property
    def learns(self) -> bool:
        """Whether a feature depends on which rows are trained on."""
        return any(column.learns for column in (self.features or {}).values())

    @model_validator(mode="after")
    def _storage_is_for_stores(self) -> Self:
        if self.storage is not None and not any(map(scheme_of, (*self.train, *(self.validation or ())))):
            what = "`storage` is for object stores, and all paths are local"
            raise rejection("E209", what, None, "remove it, or name paths such as s3://...", ("storage",))
        return self

    @model_validator(mode="after")
    def _columns_have_one_use(self) -> Self:
        if self.features is not None and self.target in self.features:
            raise rejection(
                "E405",
                "the target is also a feature",
                self.target,
                "remove it from `features`, or name another target.",
                ("target",),
            )
        if self.sample_weight is not None:
            others = {self.target: "the target", **dict.fromkeys(self.features or (), "a feature")}
            if self.sample_weight in others:
                what = f"the column of weights is also {others[self.sample_weight]}"
                raise rejection("E405", what, self.sample_weight, "name another column.", ("sample_weight",))
        if self.features is not None and not self.features and self.others is None:
            raise rejection(
                "E206", "no features are named", None, "name columns, or leave `features` out.", ("features",)
            )
        return self
