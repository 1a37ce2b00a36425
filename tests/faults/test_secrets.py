"""What a user has in the environment is in no file and no message of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqjobs.results.run import Run
from tests.conftest import POINTS_SPEC
from tests.faults.ray_faults import RAY, Submits
from tests.fixtures.fake_runner import Behaviour
from tests.fixtures.run_paths import paths_of

CANARY = "canary-7c1d0b62f0"
SECRETS = {
    name: f"{CANARY}-{name}"
    for name in ("AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "DATABASE_URL", "SEQJOBS_PASSWORD", "RAY_AUTH_TOKEN_OF_OTHERS")
}
BEHAVIOURS = [float(behaviour) for behaviour in (Behaviour.EXIT_ONCE, Behaviour.RAISE, Behaviour.PRINT, Behaviour.NAN)]
TEXT = (
    POINTS_SPEC.replace("learning_rate: 0.01", f"learning_rate: {{choice: [0.1, {str(BEHAVIOURS)[1:-1]}]}}")
    + "search: {sampler: grid}\nlimits: {retries: 1}\n"
)


def test_no_secret_of_the_environment_is_written_or_told(tmp_path: Path) -> None:
    logs, submits = tmp_path / "logs", Submits(tmp_path, TEXT)
    process = submits.start(**RAY, **SECRETS, SEQJOBS_TEST_LOGS=str(logs))
    stdout, stderr = process.communicate()
    assert process.returncode == 1, stderr
    run = Run.open(submits.root)
    assert (run.num_finished, run.num_failed) == (3, 2)
    assert "died" in "".join(path.read_text() for path in paths_of(run).log.iterdir())
    written = dict(files(tmp_path))
    assert any(path.is_relative_to(submits.root) for path in written)
    assert any(path.name.startswith("worker-") for path in written if path.is_relative_to(logs))
    assert [path for path, content in written.items() if CANARY.encode() in content] == []
    assert CANARY not in stdout + stderr


def files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()
