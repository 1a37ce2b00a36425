"""A run folder from somebody else: nothing outside it is touched, and every command says what is wrong with it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .forge import HOSTILE, Change, Forged, Tree, contents, invoke

READERS = (["show"], ["results"], ["logs"], ["fsck"], ["fsck", "--repair"], ["export", "--out", "model.keras"])


@pytest.fixture(autouse=True)
def _outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with things of the user's, and commands that are called next to it."""
    outside = tmp_path / "outside"
    (outside / "weights").mkdir(parents=True)
    for name in ("precious.log", "weights/thesis.npz", "precious.keras", "00000001.jsonl"):
        (outside / name).write_text("precious")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def kept_outside(forged: Forged) -> dict[str, bytes | str]:
    return contents(forged.root.parent.parent / "outside")


def answers(forged: Forged) -> dict[str, Any]:
    """What each command that reads a run says of it; the export is removed."""
    before, found = kept_outside(forged), {}
    for arguments in READERS:
        found[" ".join(arguments[:2])] = invoke(forged, *arguments)
        Path("model.keras").unlink(missing_ok=True)
    assert kept_outside(forged) == before
    return found


def assert_refused(forged: Forged, code: str) -> None:
    """Every command names what is wrong with a code, and `ls` has a row for it."""
    assert f"unreadable ({code})" in invoke(forged, "ls").stdout
    for arguments in READERS[:3]:
        result = invoke(forged, *arguments)
        assert result.exit_code in (2, 4)
        assert f"[{code}]" in result.stderr
    answers(forged)


def set_in(part: str, name: str, value: object) -> Change:
    def change(tree: Tree) -> None:
        tree[part][0][name] = value

    return change


def set_value(name: str, value: object) -> Change:
    return lambda record: record.__setitem__(name, value)


def test_a_run_that_nobody_changed_is_read_by_all(forged: Forged) -> None:
    found = answers(forged)
    assert {name: result.exit_code for name, result in found.items()} == dict.fromkeys(found, 0)
    assert "no file is damaged" in found["fsck"].stdout


@pytest.mark.parametrize("name", ["id", "job", "dataset"])
@pytest.mark.parametrize("value", ["../../outside/precious", "/etc/passwd", "a\x00b", HOSTILE, 7, None, ["x"], ""])
def test_a_plan_with_names_that_are_none_is_refused(forged: Forged, name: str, value: object) -> None:
    forged.plan(set_in("trials", name, value))
    assert_refused(forged, "E608")


@pytest.mark.parametrize(
    "change",
    [
        set_value("id", HOSTILE),
        set_value("created", HOSTILE),
        set_value("versions", {"keras": 3}),
        set_value("jobs", []),
        set_value("trials", 5),
        set_in("jobs", "name", "../x"),
        set_in("jobs", "path", "relative\x00"),
        set_in("jobs", "text", "\ud800"),
        set_in("jobs", "keep_best", -1),
        set_in("jobs", "keep_best", True),
        set_in("trials", "seed", 10**300),
        set_in("trials", "number", 1.5),
        set_in("trials", "hyperparameters", {"a": 10**400}),
        set_in("trials", "hyperparameters", ["a"]),
        set_in("trials", "job", "nobody"),
        set_in("datasets", "feature_shape", ["6"]),
        set_in("datasets", "preparation", {"columns": [{"name": "x", "given": 3}]}),
        lambda tree: tree["trials"].append(tree["trials"][0]),
    ],
)
def test_a_plan_with_values_that_are_none_is_refused(forged: Forged, change: Change) -> None:
    forged.plan(change)
    assert_refused(forged, "E608")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": 1, "id": NaN}', '{"format": ' + "9" * 10_000 + "}"])
def test_a_plan_that_is_no_json_of_ours_is_refused(forged: Forged, text: str) -> None:
    (forged.root / "run.json").write_text(text)
    assert_refused(forged, "E608")


def test_a_plan_that_is_too_deep_for_a_spec_is_refused(forged: Forged) -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    forged.plan(set_in("trials", "hyperparameters", {"a": deep}))
    assert_refused(forged, "E608")


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("model-written", set_value("path", "../../outside/precious.keras")),
        ("model-written", set_value("path", "/etc/passwd")),
        ("model-written", set_value("path", "best/../../x.keras")),
        ("model-written", set_value("sha256", 3)),
        ("attempt-started", set_value("pack", "../../outside/precious")),
        ("trial-finished", set_value("weights", "../../../outside/weights/thesis")),
        ("trial-finished", set_value("trial", "../../outside/precious")),
        ("trial-finished", set_value("trial", "0123456789")),
        ("trial-finished", set_value("value", "1e3")),
        ("trial-finished", set_value("value", 10**400)),
        ("trial-finished", set_value("history", {"loss": ["x"]})),
        ("trial-finished", set_value("history", [1])),
        ("trial-finished", set_value("weights_epoch", "0")),
        ("trial-finished", set_value("seconds", -1)),
        ("trial-failed", set_value("failure", {"cause": "crash"})),
        ("pack-ended", set_value("epochs", [10**9] * 3)),
        ("pack-ended", set_value("values", [0.5])),
        ("pack-ended", lambda record: record["history"].__setitem__("shape", [4, 10**12, 3])),
        ("pack-ended", lambda record: record["history"].__setitem__("shape", [-1, 3, 3])),
        ("pack-ended", lambda record: record["history"].__setitem__("float32", "*")),
        ("pack-ended", set_value("weights", {"../x": "0" * 64})),
        ("submit-started", set_value("type", "unheard-of")),
        ("submit-started", lambda record: record.pop("type")),
        ("submit-ended", set_value("at", 1e400)),
    ],
)
def test_a_log_with_values_that_are_none_is_damaged(forged: Forged, kind: str, change: Change) -> None:
    """Although its seal is right. `fsck` names the segment, and sets aside nothing else."""
    assert forged.records(change, kind)
    assert_refused(forged, "E609")
    moved = [path.name for path in (forged.root / "damaged").iterdir()]
    assert moved
    assert all(re.fullmatch(r"0000\d{4}\.jsonl|\w{64}\.npz", name) for name in moved), moved


def test_fields_that_this_version_does_not_know_are_ignored(forged: Forged) -> None:
    def add_fields(record: Tree) -> None:
        failures = [*record.get("failures", {}).values(), *([record["failure"]] if record.get("failure") else [])]
        for tree in (record, *failures):
            tree["\ud800"] = 1

    expected = {name: result.stdout for name, result in answers(forged).items()}
    assert forged.records(add_fields)
    assert {name: result.stdout for name, result in answers(forged).items()} == expected


@pytest.mark.parametrize(
    "line", ["3", "[]", "null", '"x"', "[" * 5000, '{"type": ["submit-started"]}', '{"type": NaN}']
)
def test_a_record_that_is_no_record_is_damage(forged: Forged, line: str) -> None:
    path = forged.segments[0]
    forged.seal(path, [{"type": "segment-lost"}])
    body = f"{line}\n".encode()
    path.write_bytes(body + json.dumps({"sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n")
    assert_refused(forged, "E609")


def test_a_log_of_another_run_is_damaged(forged: Forged) -> None:
    forged.plan(lambda tree: [trial.__setitem__("id", trial["id"][::-1] + "00") for trial in tree["trials"]])
    assert_refused(forged, "E609")


def test_a_log_that_claims_millions_of_segments_is_not_repaired_one_by_one(forged: Forged) -> None:
    shutil.copy(forged.segments[-1], forged.root / "log" / "99999999.jsonl")
    assert_refused(forged, "E609")
    assert not (forged.root / "damaged").exists()


@pytest.mark.parametrize("name", ["log", "weights", "logs", "checkpoints", "damaged", "best", "run.json", "lock"])
def test_a_link_in_the_place_of_a_folder_is_refused(forged: Forged, name: str, tmp_path: Path) -> None:
    path, target = forged.root / name, tmp_path / "outside" / "target"
    if path.exists():
        path.rename(target)
    else:
        target.mkdir()
    path.symlink_to(target)
    assert_refused(forged, "E617")
    assert path.is_symlink()


@pytest.mark.parametrize("kind", ["segment", "weights", "model", "table", "trial log"])
def test_a_link_in_the_place_of_a_file_is_never_followed(forged: Forged, kind: str, tmp_path: Path) -> None:
    path = {
        "segment": forged.segments[0],
        "weights": min((forged.root / "weights").iterdir()),
        "model": forged.root / "best.keras",
        "table": forged.root / "leaderboard.csv",
        "trial log": max((forged.root / "logs").iterdir(), key=lambda log: log.stat().st_size),
    }[kind]
    # What the link leads to is even what ought to be there.
    target = tmp_path / "outside" / path.name
    path.rename(target)
    path.symlink_to(target)
    if kind == "trial log":
        assert "E610" in invoke(forged, "logs", "--trial", path.stem).stderr
        return
    found = invoke(forged, "fsck")
    assert (found.exit_code, found.stdout.count("symbolic link")) == (1, 1)
    if kind == "model":
        assert "E610" in invoke(forged, "export", "--out", "model.keras").stderr
    answers(forged)
    assert target.exists()
    assert not path.is_symlink()
    assert (forged.root / "damaged" / path.name).is_symlink()


@pytest.mark.parametrize("kind", ["folder", "pipe"])
@pytest.mark.parametrize("name", ["segment", "weights", "best.keras", "leaderboard.csv", "run.json", "lock"])
def test_what_is_no_file_is_neither_waited_for_nor_followed(forged: Forged, kind: str, name: str) -> None:
    path = {"segment": forged.segments[0], "weights": min((forged.root / "weights").iterdir())}.get(
        name, forged.root / name
    )
    path.unlink()
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    invoke(forged, "ls")
    answers(forged)
    if name not in ("run.json", "lock"):
        assert invoke(forged, "fsck").exit_code == 0


def bomb(members: dict[str, bytes], compression: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def array_of(shape: str, content: bytes = b"", dtype: str = "<f4") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + content


BOMBS: dict[str, Callable[[], bytes]] = {
    "compressed": lambda: bomb({"0000.npy": array_of("(1048576,)", bytes(4 << 20))}, zipfile.ZIP_DEFLATED),
    "huge shape": lambda: bomb({"0000.npy": array_of("(1099511627776,)")}, zipfile.ZIP_STORED),
    "negative shape": lambda: bomb({"0000.npy": array_of("(-1, -1)", bytes(4))}, zipfile.ZIP_STORED),
    "pickle": lambda: bomb({"0000.npy": array_of("(1,)", b"cos\nsystem\n", "|O")}, zipfile.ZIP_STORED),
    "other names": lambda: bomb({"../../x.npy": array_of("(1,)", bytes(4))}, zipfile.ZIP_STORED),
    "no archive": lambda: b"PK",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("name", BOMBS)
def test_weights_that_are_no_weights_are_damaged(forged: Forged, name: str) -> None:
    content = BOMBS[name]()
    digest = hashlib.sha256(content).hexdigest()
    (forged.root / "weights" / f"{digest}.npz").write_bytes(content)

    def name_it(record: Tree) -> None:
        record["weights"] = digest if record["weights"] else None

    assert forged.records(name_it, "trial-finished")
    found = invoke(forged, "fsck")
    assert (found.exit_code, f"weights/{digest}.npz" in found.stdout) == (1, True), found.stdout
    answers(forged)


def test_every_string_is_safe_to_print(forged: Forged) -> None:
    """Texts that may be anything: versions, paths, metrics, messages, hyperparameters, what a trial printed."""
    job, trial = "/tmp/" + HOSTILE, f"a{HOSTILE}"

    def plan(tree: Tree) -> None:
        tree["versions"] = {HOSTILE: HOSTILE}
        for part in tree["jobs"]:
            part["path"], part["objective"]["metric"] = job, HOSTILE
        for number, part in enumerate(tree["trials"]):
            part["hyperparameters"] = {trial: f"{HOSTILE}{number}", "list": [HOSTILE, {HOSTILE: number}]}

    def record(of: Tree) -> None:
        if "history" in of and "metrics" not in of["history"]:
            of["history"] = {f"{name}{HOSTILE}": values for name, values in of["history"].items()}
        if of.get("failure"):
            of["failure"]["message"] = of["failure"]["traceback"] = HOSTILE
        if "compiled" in of:
            of["compiled"] = HOSTILE
        if "worker" in of:
            of["worker"] = HOSTILE

    forged.plan(plan)
    forged.records(record)
    pack = "0123456789"
    forged.append(
        {"type": "attempt-lost", "pack": pack, "attempt": 1, "cause": "crash", "message": HOSTILE},
        {"type": "worker-replaced", "worker": HOSTILE, "private_bytes": 2**62, "budget": 0},
    )
    for log in (forged.root / "logs").iterdir():
        log.write_text(HOSTILE)
    results = [["ls"], ["show"], ["logs"], ["results", "--sort", "nothing"]]
    results += [[command, "-o", "json"] for command in ("ls", "show", "results", "fsck")]
    results += [["results", "-o", form] for form in ("table", "csv", "markdown")]
    for arguments in results:
        invoke(forged, *arguments)
    answers(forged)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\x1b[31m=", "\x1b]0;x\x07@", "\u200b=", "\x00+"])
def test_no_cell_is_a_formula_once_it_is_printed(forged: Forged, start: str) -> None:
    forged.plan(
        lambda tree: [trial.__setitem__("hyperparameters", {f"{start}key": f"{start}cmd"}) for trial in tree["trials"]]
    )
    forged.records(lambda record: record.update(failure={**record["failure"], "message": "x"}), "trial-failed")
    printed = invoke(forged, "results", "-o", "csv").stdout
    assert "key" in printed
    assert not re.search(r"(^|[,\"])[=+@\t]", printed)
    assert not re.search(r"(^|[,\"])-[a-z]", printed)


def test_one_forged_run_hides_no_other(forged: Forged) -> None:
    shutil.copytree(forged.root, forged.root.with_name("well"))
    forged.plan(set_value("id", HOSTILE))
    rows = invoke(forged, "ls").stdout
    assert "unreadable (E608)" in rows
    assert re.search(r"well +finished", rows)
    answer = json.loads(invoke(forged, "ls", "-o", "json").stdout)
    assert answer["unreadable"] == [{"run": forged.root.name, "code": "E608"}]
    assert len(answer["runs"]) == 1


def test_huge_numbers_are_shown_and_end_nothing(forged: Forged) -> None:
    forged.records(lambda record: record.update(seconds=1e18, attempt=2**62), "trial-finished")
    forged.plan(lambda tree: [trial.__setitem__("seed", 2**63 - 1) for trial in tree["trials"]])
    for arguments in (["ls"], ["show"], ["results"], ["results", "-o", "csv"]):
        assert invoke(forged, *arguments).exit_code == 0
