"""Every code is raised by a test: by a file of the corpus, or by a test that is named here."""

from __future__ import annotations

import re

import pytest

from seqjobs.errors.codes import CODES
from tests.bad_input.bad_data import BAD_DATA
from tests.bad_input.expectation import SPECS, expected_of
from tests.bad_input.made_specs import MADE_SPECS
from tests.conftest import ROOT

# What no spec and no data file alone can be wrong about: several specs, arguments, models, clusters and run folders.
ELSEWHERE = {
    "tests/planning/test_plan.py": ["E208"],
    "tests/jobspec/test_overrides.py": ["E210"],
    "tests/run_job/test_refused.py": ["E313", "E421", "E603"],
    "tests/training/test_value_check.py": ["E418", "E419"],
    "tests/cli/test_reading_child.py": ["E425"],
    "tests/data/test_targets.py": ["E407"],
    "tests/data/test_store_redirects.py": ["E710"],
    "tests/cli/test_memory_limits.py": ["E530"],
    "tests/execution/test_ray_slots.py": ["E506", "E507", "E511"],
    "tests/run_job/test_all_die.py": ["E517"],
    "tests/run_job/test_poison.py": ["E527"],
    "tests/cli/test_retry_failed.py": ["E618"],
    "tests/cli/test_rm.py": ["E619"],
    "tests/execution/test_worker_starts.py": ["E518"],
    "tests/execution/test_dispatch.py": ["E519"],
    "tests/execution/test_thread_limit.py": ["E522"],
    "tests/execution/test_predicting.py": ["E529"],
    "tests/execution/test_private_folder.py": ["E521"],
    "tests/faults/test_lost_clusters.py": ["E520"],
    "tests/execution/test_ray_cluster.py": ["E508", "E510"],
    "tests/run_job/test_resume.py": ["E509"],
    "tests/execution/kept/test_kept_cluster.py": ["E512", "E513", "E514", "E516"],
    "tests/execution/kept/test_silent_cluster.py": ["E515"],
    "tests/cli/test_no_home.py": ["E526"],
    "tests/results/test_run_folders.py": ["E601"],
    "tests/store/test_lock.py": ["E602"],
    "tests/results/test_run_log.py": ["E605", "E606", "E609", "E610"],
    "tests/results/test_manifest.py": ["E607", "E608"],
    "tests/results/test_run.py": ["E611", "E612", "E613"],
    "tests/foreign/test_forged_runs.py": ["E617"],
    "tests/test_export.py": ["E614"],
    "tests/test_predict.py": ["E420", "E423"],
    "tests/training/test_gpu_memory.py": ["E523"],
    "tests/operations/test_refusals.py": ["E417"],
    "tests/training/test_preprocessing_model.py": ["E422"],
}


def in_the_corpus() -> set[str]:
    of_files = {mistake.code for path in SPECS.iterdir() for mistake in expected_of(path)} - {""}
    return of_files | {spec.expected.code for spec in MADE_SPECS} | {data.code for data in BAD_DATA}


def test_every_code_is_raised_by_a_test_and_has_a_page() -> None:
    assert in_the_corpus() | {code for codes in ELSEWHERE.values() for code in codes} == set(CODES)


@pytest.mark.parametrize("test", ELSEWHERE)
def test_a_test_that_is_named_here_shows_its_codes(test: str) -> None:
    text = (ROOT / test).read_text(encoding="utf-8")
    assert [code for code in ELSEWHERE[test] if not re.search(rf"\b{code}\b", text)] == []


def test_what_the_corpus_shows_is_not_named_again() -> None:
    assert in_the_corpus().isdisjoint(code for codes in ELSEWHERE.values() for code in codes)
