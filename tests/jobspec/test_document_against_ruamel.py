"""The reader against another one of YAML 1.2: both give the same value for every text that ours accepts."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from seqjobs.errors.problems import Problems
from seqjobs.jobspec.document import read_document

# Where the two differ by design. Ours refuses anchors, aliases, tags, merge keys, repeated keys, keys that are neither
# text nor plain whole numbers, further documents, and values that are too deep, too long or beyond a float. Such texts
# are not compared.
#
# The core schema (YAML 1.2.2, section 10.3.2) has no underscores in numbers, no sign before 0x and 0o, no binary
# numbers and no dates. Ruamel reads these as numbers and dates, ours reads them as text.
NOT_IN_THE_SCHEMA = re.compile(r"(?=.*_)[-+]?[0-9._][0-9a-fA-Fxo._+-]*|[-+]?0b[01]+|[-+]0[xo][0-9a-fA-F]+|\d{4}-.*")
# Ruamel refuses plain `=` and `<<` (of YAML 1.1), a sign followed by underscores alone (as a wrong number), and a tab
# after a colon (section 6.2), so these are not compared either.


def ours(text: str) -> tuple[Any, bool]:
    """Return the tree, and whether the text was accepted."""
    problems = Problems()
    tree = read_document(text, "f", problems).tree
    return tree, not problems


def theirs(text: str) -> Any:
    """Raises YAMLError or ValueError."""
    return YAML(typ="safe", pure=True).load(text)


def is_same(mine: Any, other: Any) -> bool:
    if isinstance(mine, dict):
        # Our keys that are numbers are their texts.
        return (
            isinstance(other, dict)
            and len(mine) == len(other)
            and all(key == str(found) or is_same(key, found) for key, found in zip(mine, other, strict=True))
            and all(map(is_same, mine.values(), other.values()))
        )
    if isinstance(mine, list):
        return isinstance(other, list) and len(mine) == len(other) and all(map(is_same, mine, other))
    if isinstance(mine, str) and isinstance(other, int | float | date):
        return NOT_IN_THE_SCHEMA.fullmatch(mine) is not None
    return type(mine) is type(other) and repr(mine) == repr(other)


def assert_same(text: str) -> None:
    mine, accepted = ours(text)
    if not accepted:
        return
    try:
        other = theirs(text)
    except (YAMLError, ValueError):
        return
    assert is_same(mine, other), f"{text!r} is {mine!r}, and {other!r} to ruamel"


NUMBERS = st.from_regex(r"[-+]?[0-9_.]{1,6}([eE][-+]?[0-9]{0,3})?|[-+]?0[xob][0-9a-fA-F]{0,4}", fullmatch=True)
LOOKALIKES = st.sampled_from(
    """
    null Null nULL ~ true TRUE tRUE yes no on off y n .inf -.INF +.Inf .nan .NaN inf nan 12:30:45 1:30 2024-01-01
    010 0o17 0o8 0x1F 0xG 1e3 1e 1e+ .e3 1. +.5 -0 -0.0 +1 00 a:b a#b http://x:80 :x ?x -x a'b é 日本 \U0001f600 %
    """.split()  # noqa: SIM905 (a list of them would be five times as long)
)
WORDS = st.text("abz09_-.:#'\"\\/ ,[]{}é日&*!|>@`%?=~\t", min_size=1, max_size=8)
PLAIN = NUMBERS | LOOKALIKES | st.from_regex(r"[a-z0-9.+_-]{1,6}", fullmatch=True)
SINGLE = WORDS.map(lambda text: "'" + text.replace("'", "''") + "'")
DOUBLE = WORDS.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"') | st.sampled_from(
    ['"\\x41\\u263a\\U0001F600\\t\\n"', '"\\/\\e\\_\\N\\L\\P\\0"', '"a\\\n  b"', '"a\n  b\n\n  c"']
)
COMMENT = st.sampled_from(["", "", "", " # why", "  # a: b"])
BLOCK_HEADS = st.sampled_from(["|", ">", "|-", ">-", "|+", ">+", "|2", ">2-", "| # why"])
FLOW = st.recursive(
    PLAIN | SINGLE | DOUBLE,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(PLAIN | SINGLE | DOUBLE, inner), max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=6,
)


@st.composite
def block(draw: st.DrawFn, depth: int = 0) -> str:
    """A node in block style, on its own lines, indented by `2 * depth` spaces."""
    indent = "  " * depth
    lines = []
    is_mapping = draw(st.booleans())
    for number in range(draw(st.integers(1, 4))):
        # Most keys are unique, because repeated ones are refused.
        key = draw(PLAIN | SINGLE | DOUBLE | st.just(f"key{number}") | st.just(f"key{number}"))
        head = f"{indent}{key}:" if is_mapping else f"{indent}-"
        kind = draw(st.sampled_from(["flow", "flow", "block", "text", "lines", "empty"]))
        if kind == "block" and depth < 3:
            lines.append(f"{head}{draw(COMMENT)}\n{draw(block(depth + 1))}")
        elif kind == "text":
            body = draw(
                st.lists(st.sampled_from(["a", "b c", "", "# no comment", "  more", "x: 1", "- y"]), max_size=4)
            )
            lines.append(f"{head} {draw(BLOCK_HEADS)}\n" + "".join(f"{indent}  {line}\n" for line in body))
        elif kind == "lines":
            lines.append(f"{head} {draw(PLAIN)}\n{indent}   {draw(PLAIN)}\n")
        else:
            lines.append(f"{head} {draw(FLOW) if kind == 'flow' else ''}{draw(COMMENT)}\n")
    return "".join(lines)


DOCUMENTS = block() | FLOW | FLOW.map(lambda text: f"%YAML 1.2\n--- # begin\n{text}\n...\n")
SAME_EACH_TIME = settings(deadline=None, derandomize=True, database=None)


@settings(SAME_EACH_TIME, max_examples=50)
@given(DOCUMENTS | PLAIN)
def test_a_sample_of_accepted_texts_has_the_values_that_ruamel_gives(text: str) -> None:
    assert_same(text)


@pytest.mark.slow
@settings(SAME_EACH_TIME, max_examples=500)
@given(DOCUMENTS)
def test_accepted_documents_have_the_values_that_ruamel_gives(text: str) -> None:
    assert_same(text)


@pytest.mark.slow
@settings(SAME_EACH_TIME, max_examples=500)
@given(PLAIN)
def test_accepted_plain_scalars_have_the_values_that_ruamel_gives(text: str) -> None:
    assert_same(text)


def test_a_difference_is_seen() -> None:
    assert not is_same({"a": 1}, {"a": 1.0})
    assert not is_same("1e3", 1000.0)
    assert not is_same(True, 1)
