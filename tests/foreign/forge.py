"""Run folders from somebody else: a finished run whose files are changed as a forger would change them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from click.testing import CliRunner, Result

from seqjobs.cli.main import cli
from seqjobs.jobspec.load import parse_job
from seqjobs.preview import plan_jobs
from tests.conftest import POINTS_SPEC
from tests.fixtures.fake_runner import Behaviour
from tests.fixtures.runs import do

Tree = dict[str, Any]
Change = Callable[[Tree], object]

HOSTILE = "\x1b]0;owned\x07\x1b[31m\u202eeman\x9b2J\x7f\r\nrun 2: all is well"
PACKED = "compile.optimizer.Adam.learning_rate={choice: [0.1, 0.2, 0.3]}"

ENDINGS = frozenset({0, 1, 2, 3, 4, 5})
"""The documented exit codes of commands that read a run."""


def make_finished_run(points: Path, root: Path) -> Path:
    """Train two jobs: four trials in packs of one, of which one fails, and three in a pack; return the folder."""
    units = f"model.0.Dense.units={{choice: [1, 2, 3, {Behaviour.NAN.value}]}}"
    text = dedent(POINTS_SPEC)
    jobs = [
        parse_job(text, points / "job.yaml", (units, "search.sampler=grid", "keep.best=2")),
        parse_job(text.replace("name: points", "name: other"), points / "job.yaml", (PACKED, "fit.pack=4")),
    ]
    do(plan_jobs(jobs), root)
    return root


@dataclass(frozen=True)
class Forged:
    """A run folder `runs/<name>`, next to files that nobody may touch."""

    root: Path

    @classmethod
    def copy_of(cls, run: Path, folder: Path) -> Forged:
        root = folder / "runs" / run.name
        shutil.copytree(run, root, symlinks=True)
        return cls(root)

    @property
    def segments(self) -> list[Path]:
        return sorted((self.root / "log").glob("*.jsonl"))

    def plan(self, change: Change) -> None:
        """Change the content of run.json, and write its digest again."""
        path = self.root / "run.json"
        tree = json.loads(path.read_bytes())
        change(tree)
        tree.pop("sha256", None)
        text = json.dumps(tree, sort_keys=True, separators=(",", ":"))
        path.write_text(json.dumps({**tree, "sha256": hashlib.sha256(text.encode()).hexdigest()}))

    def records(self, change: Change, kind: str = "") -> int:
        """Change all records of a type, or all, and seal their segments again; return how many there were."""
        changed = 0
        for path in self.segments:
            records = self.read(path)
            for record in records:
                if not kind or record["type"] == kind:
                    change(record)
                    changed += 1
            self.seal(path, records)
        return changed

    def read(self, path: Path) -> list[Tree]:
        return [json.loads(line) for line in path.read_bytes().splitlines()[:-1]]

    def seal(self, path: Path, records: list[Any]) -> None:
        body = "".join(f"{json.dumps(record)}\n" for record in records).encode()
        path.write_bytes(body + json.dumps({"sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n")

    def append(self, *records: Tree) -> None:
        """Add a segment."""
        self.seal(self.root / "log" / f"{len(self.segments) + 1:08d}.jsonl", list(records))


def invoke(forged: Forged, *arguments: str) -> Result:
    """Run a command on the run; it ends as documented, and prints nothing that acts on a terminal."""
    result = CliRunner().invoke(cli, [*arguments, "--runs-dir", str(forged.root.parent)])
    assert result.exit_code in ENDINGS, (arguments, result.exit_code, result.output)
    assert "Traceback" not in result.output.replace("Traceback: none, it is fake", "")
    strange = {character for character in result.output if not character.isprintable() and character != "\n"}
    assert not strange, (arguments, strange, result.output)
    return result


def contents(folder: Path) -> dict[str, bytes | str]:
    """Return every file and every link below a folder with its content."""
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }
