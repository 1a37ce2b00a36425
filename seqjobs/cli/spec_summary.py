"""spec_summary: the last line below the mistakes of a spec."""

from __future__ import annotations

from seqjobs.errors import SpecError


def spec_summary(error: SpecError) -> str:
    """Return `2 problems in jobs/x.yaml; nothing was started. ...` with the command that explains their codes."""
    count = len(error.problems)
    problems = f"{count} problem" if count == 1 else f"{count:,} problems"
    files = {problem.file for problem in error.problems}
    where = next(iter(files)) if len(files) == 1 else f"{len(files)} files"
    codes = set(error.codes)
    code = error.code if len(codes) == 1 else "CODE"
    return f"{problems} in {where}; nothing was started. `seqjobs explain {code}` has details."
