"""Completeness is checked, not claimed: each sentence of `sentences.md` is quoted by a test, and no other is.

A test quotes what it shows in its docstring as `section: «sentence»`, for instance
`Webhook rules: «apiVersion is a date»`. A test may quote several sentences, and several tests one.
"""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
LIST = Path(__file__).with_name("sentences.md")
SECTIONS = ("Webhook rules", "Standard Webhooks", "Known faults")
_QUOTE = re.compile(rf"({'|'.join(SECTIONS)}): «([^»]*)»")
_SENTENCE = re.compile(r"^- (.*(?:\n  .*)*)", re.MULTILINE)

Sentence = tuple[str, str]


def listed(text: str) -> list[Sentence]:
    """Read the sentences of a list, with the sections where they stand."""
    parts = [part.partition("\n") for part in re.split(r"^## ", text, flags=re.MULTILINE)]
    return [
        (title, " ".join(sentence.split()))
        for title, _, body in parts
        if title in SECTIONS
        for sentence in _SENTENCE.findall(body)
    ]


def quoted(source: str) -> Iterator[tuple[str, Sentence]]:
    """Read which tests of a module quote which sentences."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            for section, sentence in _QUOTE.findall(" ".join((ast.get_docstring(node) or "").split())):
                yield node.name, (section, sentence)


@functools.cache
def quotes_of_all_tests() -> list[tuple[str, Sentence]]:
    modules = [path for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    return [quote for path in modules for quote in quoted(path.read_text())]


def test_each_sentence_is_quoted_by_a_test() -> None:
    shown = {sentence for _, sentence in quotes_of_all_tests()}
    assert [sentence for sentence in listed(LIST.read_text()) if sentence not in shown] == []


def test_each_quote_is_a_sentence() -> None:
    known = set(listed(LIST.read_text()))
    assert [(name, sentence) for name, sentence in quotes_of_all_tests() if sentence not in known] == []


def test_no_sentence_stands_twice_and_no_section_is_empty() -> None:
    sentences = listed(LIST.read_text())
    assert len(sentences) == len(set(sentences))
    assert {section for section, _ in sentences} == set(SECTIONS)


@pytest.mark.parametrize(
    ("docstring", "found"),
    [
        ("Known faults: «One.»", [("Known faults", "One.")]),
        ("x Webhook rules: «a\n  b»; Known faults: «c»", [("Webhook rules", "a b"), ("Known faults", "c")]),
        ("«untold», Other: «untold»", []),
    ],
)
def test_quotes_are_found_in_docstrings_of_tests_only(docstring: str, found: list[Sentence]) -> None:
    source = f'def test_it():\n    """{docstring}"""\n\ndef helper():\n    """Known faults: «None.»"""\n'
    assert list(quoted(source)) == [("test_it", sentence) for sentence in found]


def test_a_list_is_read_with_its_lines_joined() -> None:
    text = "# List\n\n- none\n\n## Known faults\n\n### Some\n\n- One\n  two.\n- Three.\n\n## Other\n\n- none\n"
    assert listed(text) == [("Known faults", "One two."), ("Known faults", "Three.")]
