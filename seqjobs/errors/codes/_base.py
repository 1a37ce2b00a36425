"""ErrorCode: the page of one error code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ExampleForm(Enum):
    """What the example of a page is."""

    FRAGMENT = "fragment"
    """Sections of a spec; the other sections are correct."""
    SPEC = "spec"
    """A whole spec."""
    SITUATION = "situation"
    """Commands, or what happened before."""


@dataclass(frozen=True, kw_only=True)
class ErrorCode:
    """One kind of mistake: what `seqjobs explain` prints."""

    code: str
    title: str
    meaning: str
    example: str
    """What causes it; one line or several."""
    fix: str
    form: ExampleForm = ExampleForm.SITUATION


def fragment(code: str, title: str, *, meaning: str, example: str, fix: str) -> ErrorCode:
    """Return a page whose example is sections of a spec."""
    return ErrorCode(code=code, title=title, meaning=meaning, example=example, fix=fix, form=ExampleForm.FRAGMENT)


def whole_spec(code: str, title: str, *, meaning: str, example: str, fix: str) -> ErrorCode:
    """Return a page whose example is a whole spec."""
    return ErrorCode(code=code, title=title, meaning=meaning, example=example, fix=fix, form=ExampleForm.SPEC)


def situation(code: str, title: str, *, meaning: str, example: str, fix: str) -> ErrorCode:
    """Return a page whose example is commands, or what happened before."""
    return ErrorCode(code=code, title=title, meaning=meaning, example=example, fix=fix)
