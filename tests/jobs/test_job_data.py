"""The committed data: what the specs rely on, and that the derived files are what they say they are."""

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import yaml
from numpy.typing import NDArray

JOBS = Path(__file__).parents[2] / "jobs"
DATA = JOBS / "data"
SPECS = sorted(JOBS.glob("*.yaml"))
MAX_TOTAL_BYTES = 16_000_000  # every clone carries it

FLIGHT_SCHEMA = {
    "month": pa.int8(),
    "day": pa.int8(),
    "dow": pa.int8(),
    "hour": pa.int8(),
    "minute": pa.int8(),
    "distance": pa.float32(),
    "dep_delay": pa.float32(),
    "late": pa.int8(),
}

# folder -> columns, rows of train and test, shards of train
FOLDERS: dict[str, tuple[dict[str, Any], int, int, int]] = {
    "mnist": ({"image": (pa.uint8(), 784), "label": pa.int32(), "is_high": pa.int8()}, 60_000, 10_000, 6),
    "mnist_10x10": ({"image": (pa.uint8(), 100), "label": pa.int32()}, 60_000, 10_000, 3),
    "weather": ({"window": (pa.float32(), 120), "target": pa.float32()}, 20_833, 5_210, 3),
    "flights": (FLIGHT_SCHEMA, 261_939, 65_407, 4),
    "flights_20k": (FLIGHT_SCHEMA, 20_000, 5_000, 1),
    "digits": ({"image": (pa.uint8(), 64), "label": pa.int32()}, 1_437, 360, 1),
}


def files_of(folder: str, split: str) -> list[Path]:
    shards = sorted((DATA / folder / split).glob("*.parquet"))
    return shards or [DATA / folder / f"{split}.parquet"]


def table_of(folder: str, split: str) -> pa.Table:
    return pa.concat_tables([pq.read_table(file, partitioning=None) for file in files_of(folder, split)])


def matrix(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column of equally long lists -> (rows, length)."""
    flat: NDArray[Any] = pa.chunked_array([chunk.flatten() for chunk in column.chunks]).to_numpy()
    return flat.reshape(len(column), -1)


def normalization_of(spec: str) -> tuple[list[float], list[float]]:
    layers = yaml.safe_load((JOBS / spec).read_text())["model"]
    arguments = next(layer["Normalization"] for layer in layers if "Normalization" in layer)
    return arguments["mean"], arguments["variance"]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_schema_and_row_count(folder: str, split: str) -> None:
    columns, num_train, num_test, num_shards = FOLDERS[folder]
    table = table_of(folder, split)
    found = {
        field.name: (field.type.value_type, field.type.list_size)
        if pa.types.is_fixed_size_list(field.type)
        else field.type
        for field in table.schema
    }
    assert found == columns
    assert len(table) == (num_train if split == "train" else num_test)
    assert len(files_of(folder, split)) == (num_shards if split == "train" else 1)


@pytest.mark.parametrize(("split", "num_rows"), [("train", 455), ("test", 114)])
def test_breast_cancer_has_thirty_features_and_a_label(split: str, num_rows: int) -> None:
    table = table_of("breast_cancer", split)
    *features, label = table.schema
    assert [field.type for field in features] == [pa.float32()] * 30
    assert (label.name, label.type) == ("label", pa.int32())
    assert len(table) == num_rows


@pytest.mark.parametrize("file", sorted(DATA.rglob("*.parquet")), ids=lambda file: str(file.relative_to(DATA)))
def test_no_gaps_and_zstd(file: Path) -> None:
    table = pq.read_table(file, partitioning=None)
    for name in table.column_names:
        column = table[name].combine_chunks()
        values = column.flatten() if pa.types.is_fixed_size_list(column.type) else column
        assert column.null_count == values.null_count == 0, name
        assert np.isfinite(values.to_numpy()).all(), name
    group = pq.ParquetFile(file).metadata.row_group(0)
    assert {group.column(index).compression for index in range(group.num_columns)} == {"ZSTD"}


@pytest.mark.parametrize("split", ["train", "test"])
def test_is_high_says_whether_the_digit_is_five_or_more(split: str) -> None:
    table = table_of("mnist", split)
    labels = table["label"].to_numpy()
    np.testing.assert_array_equal(np.unique(labels), np.arange(10))
    np.testing.assert_array_equal(table["is_high"].to_numpy(), (labels >= 5).astype(np.int8))


@pytest.mark.parametrize("split", ["train", "test"])
def test_small_images_are_area_averages_of_the_wide_ones(split: str) -> None:
    """Independent of derive.py: every pixel is drawn as 5x5, the picture is cut into 14x14 blocks, each is averaged."""
    wide_table, small_table = table_of("mnist", split), table_of("mnist_10x10", split)
    np.testing.assert_array_equal(small_table["label"].to_numpy(), wide_table["label"].to_numpy())
    sample = np.linspace(0, len(wide_table) - 1, 200).astype(int)
    wide = matrix(wide_table["image"])[sample].reshape(-1, 28, 28)
    blocks = wide.repeat(5, axis=1).repeat(5, axis=2).reshape(-1, 10, 14, 10, 14)
    expected = blocks.astype(np.float64).mean(axis=(2, 4))  # (images, 10, 10)
    small = matrix(small_table["image"])[sample].reshape(-1, 10, 10)
    # Stored as the nearest whole number.
    assert np.abs(small - expected).max() <= 0.5 + 1e-9
    assert small.max() > 200  # not empty pictures


def test_weather_windows_are_followed_by_their_target() -> None:
    """A window's last temperature is the target of the window before, but where another airport begins."""
    table = table_of("weather", "train")
    windows = matrix(table["window"]).reshape(-1, 24, 5)
    follows = table["target"].to_numpy()[:-1] == windows[1:, -1, 0]
    assert (~follows).sum() == 2
    assert table.schema.metadata[b"features"] == b"temp,dewp,humid,pressure,wind_speed"


def test_flights_tell_nothing_that_is_known_only_after_landing() -> None:
    table = table_of("flights", "train")
    assert not {"arr_delay", "air_time"} & set(table.column_names)
    assert 0.2 < table["late"].to_numpy().mean() < 0.3


def test_some_flights_are_every_thirteenth_of_all() -> None:
    for split, rows in (("train", 20_000), ("test", 5_000)):
        every = table_of("flights", split).take(pa.array(range(0, 13 * rows, 13)))
        assert every.equals(table_of("flights_20k", split))


def test_weather_spec_normalizes_by_the_moments_of_the_training_rows() -> None:
    readings = matrix(table_of("weather", "train")["window"]).reshape(-1, 5).astype(np.float64)
    mean, variance = normalization_of("weather_lstm.yaml")
    np.testing.assert_allclose(mean, readings.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(variance, readings.var(axis=0), rtol=1e-5)


@pytest.mark.parametrize(
    ("spec", "folder"),
    [
        ("flights_packs.yaml", "flights_20k"),
        ("cancer_search.yaml", "breast_cancer"),
    ],
)
def test_specs_of_tables_normalize_by_the_moments_of_the_training_rows(spec: str, folder: str) -> None:
    table = table_of(folder, "train")
    features = yaml.safe_load((JOBS / spec).read_text())["data"]["features"]
    columns = np.stack([table[name].to_numpy().astype(np.float64) for name in features], axis=1)
    mean, variance = normalization_of(spec)
    np.testing.assert_allclose(mean, columns.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(variance, columns.var(axis=0), rtol=1e-5)


def is_data(path: Path) -> bool:
    return path.name.endswith((".parquet", ".csv.gz"))


def column_names(file: Path) -> set[str]:
    schema = pyarrow.csv.read_csv(file).schema if file.name.endswith(".csv.gz") else pq.read_schema(file)
    return set(schema.names)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_spec_opens_with_its_command_time_and_result(spec: Path) -> None:
    opening = []
    for line in spec.read_text().splitlines():
        if not line.startswith("# "):
            break
        opening.append(line)
    assert f"# Command: seqjobs submit jobs/{spec.name}" in opening
    assert sum(line.startswith("# Time: ") for line in opening) == 1
    assert opening[-1].startswith("# Result: ")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_spec_names_files_and_columns_that_exist(spec: Path) -> None:
    data = yaml.safe_load(spec.read_text())["data"]
    for pattern in filter(None, (data["train"], data.get("validation"))):
        files = list(JOBS.glob(pattern))
        assert files, pattern
        for file in files:
            assert {*data["features"], data["target"]} <= column_names(file)


def test_readme_says_which_job_uses_a_folder() -> None:
    rows = [line for line in (DATA / "README.md").read_text().splitlines() if ".yaml`" in line and "/` |" in line]
    said = {
        (row.split("/`")[0].removeprefix("| `"), spec) for row in rows for spec in re.findall(r"`(\w+\.yaml)`", row)
    }
    used = {
        (Path(yaml.safe_load(spec.read_text())["data"]["train"]).relative_to("data").parts[0], spec.name)
        for spec in SPECS
    }
    assert said == used


def test_text_files_hold_the_rows_that_the_readme_says() -> None:
    for folder, train, test in (("flights_text", 20_000, 5_000), ("character_names", 22_180, 5_546)):
        tables = [pyarrow.csv.read_csv(DATA / folder / f"{name}.csv.gz") for name in ("train", "test")]
        assert [len(table) for table in tables] == [train, test]
        assert not any(column.null_count for table in tables for column in table.columns)
        assert f"| {train:,} / {test:,} |" in (DATA / "README.md").read_text()
    late = pyarrow.csv.read_csv(DATA / "flights_text" / "test.csv.gz")
    some = pq.read_table(DATA / "flights_20k" / "test")
    for name in ("distance", "dep_delay", "late"):
        assert late[name].to_pylist() == some[name].to_pylist()


def test_readme_and_script_name_every_folder() -> None:
    folders = {path.name for path in DATA.iterdir() if path.is_dir() and any(map(is_data, path.rglob("*")))}
    assert folders == {*FOLDERS, "breast_cancer", "flights_text", "character_names"}
    layout, sources = (DATA / "README.md").read_text().split("## Sources and licences")
    strings = {
        node.value
        for node in ast.walk(ast.parse((DATA / "derive.py").read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for folder in folders:
        assert f"| `{folder}/` |" in layout, f"the table of folders lacks {folder}"
        assert f"`{folder}/`" in sources, f"the table of licences lacks {folder}"
        assert any(text.startswith(f"{folder}/") for text in strings), f"derive.py does not make {folder}"


def test_readme_gives_mnist_its_licence() -> None:
    text = (DATA / "README.md").read_text()
    for words in ("Yann LeCun", "Corinna Cortes", "CC BY-SA 3.0", "creativecommons.org/licenses/by-sa/3.0"):
        assert words in text


def test_data_stays_small() -> None:
    assert sum(file.stat().st_size for file in filter(is_data, DATA.rglob("*"))) < MAX_TOTAL_BYTES
