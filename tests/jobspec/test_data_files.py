from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from seqjobs.errors import DataError
from seqjobs.jobspec.data_files import find_files


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(folder: Path, *paths: str) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in find_files(paths, folder)]


def error(folder: Path, *paths: str) -> DataError:
    with pytest.raises(DataError) as caught:
        find_files(paths, folder)
    return caught.value


def test_a_folder_gives_its_data_files_sorted_at_any_depth(tmp_path: Path) -> None:
    touch(tmp_path, "d/b.parquet", "d/a.pq", "d/sub/c.PARQUET", "d/readme.md", "d/_SUCCESS", "d/_x.parquet")
    touch(tmp_path, "d/.y.parquet", "d/.git/z.parquet", "d/_temporary/z.parquet")
    assert found(tmp_path, "d") == ["d/a.pq", "d/b.parquet", "d/sub/c.PARQUET"]


def test_a_glob_is_sorted_and_may_cross_folders(tmp_path: Path) -> None:
    touch(tmp_path, "d/2.parquet", "d/1.parquet", "d/x/3.parquet", "d/x/_4.parquet")
    assert found(tmp_path, "d/*.parquet") == ["d/1.parquet", "d/2.parquet"]
    assert found(tmp_path, "d/**/*.parquet") == ["d/1.parquet", "d/2.parquet", "d/x/3.parquet"]


def test_a_list_keeps_the_order_written(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.parquet", "a/2.parquet", "b.parquet")
    assert found(tmp_path, "b.parquet", "a") == ["b.parquet", "a/1.parquet", "a/2.parquet"]


def test_a_folder_named_like_a_file_is_read_as_spark_means_it(tmp_path: Path) -> None:
    touch(tmp_path, "d/x.parquet/part-0.parquet", "d/x.parquet/_SUCCESS", "d/y.parquet")
    assert found(tmp_path, "d/*.parquet") == ["d/x.parquet/part-0.parquet", "d/y.parquet"]


def test_magic_characters_in_real_names_are_taken_literally(tmp_path: Path) -> None:
    folder = tmp_path / "jobs [old]"
    touch(folder, "a[1].parquet", "d/1.parquet")
    assert found(folder, "a[1].parquet") == ["a[1].parquet"]
    assert found(folder, "d/*.parquet") == ["d/1.parquet"]


def test_absolute_paths(tmp_path: Path) -> None:
    touch(tmp_path, "a.parquet")
    assert find_files((str(tmp_path / "a.parquet"),), Path("/")) == (tmp_path / "a.parquet",)
    assert find_files((str(tmp_path / "*.parquet"),), Path("/")) == (tmp_path / "a.parquet",)


def test_a_link_that_leads_back_up_does_not_repeat_files(tmp_path: Path) -> None:
    touch(tmp_path, "d/a.parquet")
    (tmp_path / "d" / "loop").symlink_to(tmp_path / "d", target_is_directory=True)
    assert found(tmp_path, "d") == ["d/a.parquet"]
    assert found(tmp_path, "d/**/*.parquet") == ["d/a.parquet"]


def test_links_that_lead_back_up_are_not_gone_through_again_and_again(tmp_path: Path) -> None:
    touch(tmp_path, "d/a.parquet", "d/sub/b.parquet")
    for name in ("d/one", "d/two", "d/sub/three"):  # forty levels deep, these are 3 ** 40 ways
        (tmp_path / name).symlink_to(tmp_path / "d", target_is_directory=True)
    assert found(tmp_path, "d/**/*.parquet") == ["d/a.parquet", "d/sub/b.parquet"]
    assert found(tmp_path, "**/b.parquet") == ["d/sub/b.parquet"]
    assert found(tmp_path, "d/**/sub/**/*.parquet") == ["d/sub/b.parquet"]
    assert found(tmp_path, "d/one/*.parquet") == ["d/one/a.parquet"]


def test_stars_go_through_what_is_not_hidden(tmp_path: Path) -> None:
    touch(tmp_path, "d/.git/a.parquet", "d/_old/a.parquet", "d/x/y/a.parquet", "d/.b.parquet")
    assert found(tmp_path, "d/**") == found(tmp_path, "d/**/*") == ["d/_old/a.parquet", "d/x/y/a.parquet"]
    assert found(tmp_path, str(tmp_path / "**" / "y" / "*")) == ["d/x/y/a.parquet"]
    assert found(tmp_path, "d/x/**/**/a.parquet") == ["d/x/y/a.parquet"]


def test_two_links_to_one_file_are_two_shards(tmp_path: Path) -> None:
    touch(tmp_path, "blobs/b")
    (tmp_path / "d").mkdir()
    for name in ("1.parquet", "2.parquet"):
        (tmp_path / "d" / name).symlink_to(tmp_path / "blobs/b")
    assert found(tmp_path, "d") == ["d/1.parquet", "d/2.parquet"]


@pytest.mark.parametrize(
    ("path", "phrase"),
    [
        ("nowhere.parquet", "there is no file or folder"),
        ("d/*.parquet", "matches no file"),
        ("*", "matches only folders"),
        ("d", "holds no data file"),
        ("x" * 5000, "cannot be used"),
        ("a\0b", "there is no file"),
    ],
)
def test_what_is_not_there_is_named_with_the_folder(tmp_path: Path, path: str, phrase: str) -> None:
    touch(tmp_path, "d/readme.md")
    caught = error(tmp_path, path)
    assert caught.code == "E401"
    assert phrase in caught.what
    assert caught.where.startswith(path.replace("\0", "\\x00"))
    assert str(tmp_path) in caught.what
    assert caught.fix


def test_a_file_named_twice_does_not_count_twice(tmp_path: Path) -> None:
    touch(tmp_path, "d/a.parquet")
    caught = error(tmp_path, "d", "d/../d/a.parquet")
    assert (caught.code, "named twice" in caught.what) == ("E401", True)


@pytest.mark.parametrize("name", ["a.npy", "a.pkl", "a.parquet.gz", "a.csv.xz", "a.gz", "a"])
def test_other_formats_are_refused_by_name(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "d/" + name)
    for path in ("d/" + name, "d/*"):
        caught = error(tmp_path, path)
        assert caught.code == "E415"
        assert "Parquet, CSV, Feather (Arrow IPC), ORC and JSON lines can be read" in caught.what
        assert caught.where.endswith(name)


def test_finding_files_imports_neither_arrow_nor_numpy() -> None:
    code = "import sys, seqjobs.jobspec.data_files as _; print({'pyarrow', 'numpy', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("path", "what", "fix"),
    [
        ("rows/trian.parquet", "'rows/trian.parquet', which is {folder}/rows/trian.parquet", "'rows/train.parquet'?"),
        ("row/train.parquet", "; the folder {folder} has no 'row'", "did you mean 'rows/train.parquet'?"),
        ("../{name}/rows/tran.parquet", ", which is {folder}/rows/tran.parquet", "'../{name}/rows/train.parquet'?"),
        ("{folder}/rows/trian.parquet", "'{folder}/rows/trian.parquet'", "did you mean '{folder}/rows/train.parquet'?"),
        ("rows/quite_another.csv", "there is no file or folder 'rows/quite_another.csv'", "correct the path."),
    ],
)
def test_a_path_of_nothing_is_told_as_written_and_absolute_with_the_nearest_name(
    tmp_path: Path, path: str, what: str, fix: str
) -> None:
    folder = tmp_path / "f"  # so that no name is shortened
    (folder / "rows").mkdir(parents=True)
    (folder / "rows" / "train.parquet").touch()
    words = {"folder": folder, "name": folder.name}
    with pytest.raises(DataError) as caught:
        find_files((path.format(**words),), folder)
    assert caught.value.code == "E401"
    assert what.format(**words) in caught.value.what
    assert caught.value.fix.endswith(fix.format(**words))
