"""check_no_links: whether all that lies in a run's folder is really there."""

from __future__ import annotations

from seqjobs.errors import RunFolderError
from seqjobs.planning.run_paths import RunPaths


def check_no_links(paths: RunPaths) -> None:
    """Raises RunFolderError E617 if a part of the run is a symbolic link: files outside might be changed or removed.

    Links within the folders of the run are found when their files are read.
    """
    folders = (paths.log, paths.weights, paths.checkpoints, paths.trial_logs, paths.damaged, paths.best_of_jobs)
    for path in (paths.plan, paths.lock, *folders):
        if path.is_symlink():
            what, fix = "this is a symbolic link, and a run has none", "put the files themselves there."
            raise RunFolderError("E617", what, where=str(path), fix=fix)
