"""spec_summary: the last line below the mistakes of a spec."""

from __future__ import annotations

import re

from seqjobs.errors import SpecError

_PLACE = re.compile(r"[A-Z][0-9]+ (.+?):[0-9]+:[0-9]+(?::| |$)")
_MORE = re.compile(r"\.\.\. and ([0-9]+) more\.?")


def spec_summary(error: SpecError) -> str:
    """`2 problems in jobs/x.yaml; nothing was started.`"""
    hidden = [int(found.group(1)) for line in error.lines if (found := _MORE.fullmatch(line))]
    count = len(error.lines) - len(hidden) + sum(hidden)
    sources = {found.group(1) for line in error.lines if (found := _PLACE.match(line))}
    problems = f"{count} problem" if count == 1 else f"{count} problems"
    if not sources:
        return f"{problems}; nothing was started."
    where = next(iter(sources)) if len(sources) == 1 else f"{len(sources)} files"
    return f"{problems} in {where}; nothing was started."
