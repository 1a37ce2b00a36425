"""The folders that modules are imported from: those of installed packages, and no work folder.

A work folder may hold a `pandas.py` of any origin. Libraries try to import many modules that are not installed, and
would run that file. This module imports what Python itself has imported before, since a command calls it first.
"""

# Python has not imported `pathlib` at that time.
# ruff: noqa: PTH100, PTH109, PTH117, PTH120, PTH208

from __future__ import annotations

import os
import site
import sys

_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def leave_out_work_folders() -> None:
    """Remove from `sys.path` the current folder, and the folders that `worker_environment` removes."""
    given, kept = os.environ.get("PYTHONPATH", "").split(os.pathsep), set(_python_path())
    left_out = {os.path.abspath(folder) for folder in given if folder not in kept} | {_current_folder()}
    if not _uses_user_site():
        left_out.add(site.getusersitepackages())
    left_out -= {_HOME, *site.getsitepackages()}
    sys.path[:] = [folder for folder in sys.path if folder and folder not in left_out]


def worker_environment() -> dict[str, str]:
    """Return variables under which a Python process imports from installed packages only.

    A folder of PYTHONPATH stays if it is an installation, such as the modules of a shared machine, or if it holds
    seqjobs. So does the user's site.
    """
    environment = {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(_python_path())}
    return environment if _uses_user_site() else {**environment, "PYTHONNOUSERSITE": "1"}


def _python_path() -> list[str]:
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [folder for folder in folders if os.path.isabs(folder) and _is_installation(folder)]


def _uses_user_site() -> bool:
    return bool(site.ENABLE_USER_SITE) and _is_installation(site.getusersitepackages())


def _is_installation(folder: str) -> bool:
    """Return whether a folder holds seqjobs, or what an installer writes about a package."""
    if os.path.realpath(folder) == _HOME:
        return True
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:
        return False


def _current_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""
