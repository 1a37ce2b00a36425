"""No module that lies in a folder of the user's is imported, by a command or by its workers.

A trap is a module that notes that it was imported. There is one for each name that Ray, TensorFlow, Keras and Arrow
try to import, whether they find it or not: the names come from a process that imports and uses these libraries.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from seqjobs.execution.kept import cluster
from tests.conftest import ROOT
from tests.fixtures.runs import moved_points

pytestmark = [pytest.mark.ray, pytest.mark.slow]

RECORD = """
import sys

tried = set()

class Recorder:
    def find_spec(self, name, path=None, target=None):
        if path is None:
            tried.add(name)

sys.meta_path.insert(0, Recorder())

import json, os, runpy
import numpy, pyarrow.csv, pyarrow.dataset, pyarrow.json, pyarrow.parquet, ray
runpy.run_path(os.path.join(os.path.dirname(ray.__file__), "_private", "workers", "default_worker.py"))
import keras

model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
model.fit(numpy.zeros((4, 2)), numpy.zeros((4, 1)), verbose=0)
model.predict(numpy.zeros((4, 2)), verbose=0)
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({"all": sorted(tried | loaded), "absent": sorted(tried - loaded)}))
"""
# As pip writes it.
SCRIPT = """
import sys
from seqjobs.cli.main import main
sys.exit(main())
"""
TRAP = """
with open({notes!r}, "a") as notes:
    notes.write({name!r} + "\\n")
raise ImportError({name!r})
"""
OWN = frozenset({"__main__", "seqjobs", "tests"})


@dataclass(frozen=True, kw_only=True)
class Names:
    """Top-level modules that the libraries try to import."""

    all: frozenset[str]
    """Those of the standard library are among them, also those that Python itself begins with."""
    absent: frozenset[str]
    """Those that are not installed."""

    @property
    def installed(self) -> frozenset[str]:
        return self.all - sys.stdlib_module_names


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Runs `seqjobs` in a folder with a spec, its data, and traps."""

    folder: Path
    notes: Path
    """Where traps are noted, a line each."""
    prefix: tuple[str, ...]
    """The command, without its arguments."""
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, top: Path, points: Path, names: frozenset[str]) -> Shell:
        """Start the command by a script, as pip installs it."""
        notes, script = top / "notes", top / "bin" / "seqjobs"
        for folder in (top / "bin", top / "work"):
            folder.mkdir()
        script.write_text(SCRIPT)
        moved_points(points, top / "work")
        set_traps(top / "work", names, notes)
        environment = {**os.environ, "XDG_STATE_HOME": str(top / "state")}
        environment.pop("PYTHONPATH", None)
        return cls(folder=top / "work", notes=notes, prefix=(sys.executable, str(script)), environment=environment)

    def run(self, *arguments: str) -> tuple[str, str]:
        """Return what a command that ends well prints; no trap was imported."""
        done = subprocess.run(
            [*self.prefix, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert self.imported() == set()
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    def submit(self, run: str) -> tuple[Any, str]:
        """Return the best trial, and what was printed meanwhile."""
        out, err = self.run("submit", "job.yaml", "--run", run, "-o", "json")
        return json.loads(out)["best"], err

    def imported(self) -> set[str]:
        return set(self.notes.read_text().split()) if self.notes.exists() else set()


def set_traps(folder: Path, names: frozenset[str], notes: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.py").write_text(TRAP.format(notes=str(notes), name=name))


def started() -> set[str]:
    """Return the modules that are imported in a Python that has done nothing yet."""
    command = [sys.executable, "-P", "-c", "import sys; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.fixture(scope="module")
def names() -> Names:
    done = subprocess.run([sys.executable, "-P", "-c", RECORD], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    names = Names(all=frozenset(found["all"]) | sys.stdlib_module_names - OWN, absent=frozenset(found["absent"]) - OWN)
    # If one of these is missing the recorder is wrong.
    assert {"pandas", "numpy", "scipy", "tensorflow"} <= names.all
    return names


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for all that a test makes, and no warm cluster before or after it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield tmp_path
    cluster.down(force=True)


def test_no_module_next_to_a_spec_is_imported(top: Path, points: Path, names: Names) -> None:
    shell = Shell.at(top, points, names.all)
    best, _ = shell.submit("local")
    shell.run("up", "--workers", "1")
    _, err = shell.submit("warm")
    assert "using the warm cluster" in err
    shell.run("predict", "warm", "test.parquet", "--out", "predictions.csv")
    (top / "clean").mkdir()
    moved_points(points, top / "clean")
    undisturbed, _ = replace(shell, folder=top / "clean").submit("clean")
    assert best == undisturbed


def test_no_module_in_python_s_variable_is_imported_unless_it_is_an_installation(
    top: Path, points: Path, names: Names
) -> None:
    """An empty part of PYTHONPATH is the current folder, as is what `python -m` adds.

    Python itself imports modules of its library, and those that `.pth` files of the environment name, before any
    command can begin: there are no traps for these.
    """
    traps = names.installed - started()
    shell = Shell.at(top, points, traps)
    set_traps(top / "more", traps, shell.notes)
    path = os.pathsep.join(["", str(top / "more"), "."])
    shell = replace(
        shell, prefix=(sys.executable, "-m", "seqjobs.cli.main"), environment={**shell.environment, "PYTHONPATH": path}
    )
    shell.run("up", "--workers", "1")
    _, err = shell.submit("warm")
    assert "using the warm cluster" in err


def test_a_user_s_own_site_is_left_out_unless_something_is_installed_there(
    top: Path, points: Path, names: Names
) -> None:
    """Python has one outside of virtual environments. What it imports itself as it starts concerns no worker."""
    shell = Shell.at(top, points, frozenset())
    site = top / "user" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    set_traps(site, names.absent - sys.stdlib_module_names, shell.notes)
    (site / "usercustomize.py").write_text("import sys; sys.stderr.write('customized')")
    # The libraries of this environment, in a folder of PYTHONPATH, as modules of a shared machine are.
    path = os.pathsep.join([str(ROOT), *(folder for folder in sys.path if folder.endswith("-packages"))])
    base = getattr(sys, "_base_executable", sys.executable)
    shell = replace(
        shell,
        prefix=(base, *shell.prefix[1:]),
        environment={**shell.environment, "PYTHONPATH": path, "PYTHONUSERBASE": str(top / "user")},
    )
    _, err = shell.submit("local")
    assert "customized" in err, "this Python has no user site"
