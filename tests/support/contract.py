"""Services against their own description: requests made up from it, each answer compared with what it says.

Invariant: what is asked follows from the description and the known values alone, so that a run can be had again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


AnyOperation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[AnyOperation]


@dataclass(frozen=True)
class Known:
    """What is good to ask with.

    Attributes:
        values: good values of fields and parameters, by name.
        ids: the ids under each path that ends in one.
        bodies: a good body of each path that takes one.
    """

    values: Mapping[str, Sequence[Any]]
    ids: Mapping[str, Sequence[str]]
    bodies: Mapping[str, Mapping[str, Any]]

    def __or__(self, other: "Known") -> "Known":
        """Have the good values of both, as of several services."""
        names = self.values.keys() | other.values.keys()
        values = {name: [*self.values.get(name, ()), *other.values.get(name, ())] for name in sorted(names)}
        return Known(values, {**self.ids, **other.ids}, {**self.bodies, **other.bodies})


@dataclass(frozen=True)
class Contract:
    """What services say of themselves, and who asks them.

    Attributes:
        base: where they listen.
        document: their OpenAPI document.
        headers: the caller's key.
        known: what is good to ask with.
    """

    base: str
    document: Mapping[str, Any]
    headers: Mapping[str, str]
    known: Known

    def check(self, examples: int) -> dict[int, int]:
        """Ask each operation so many times, and count the answers by status. It blocks.

        Raises:
            AssertionError: an answer is not as described; schemathesis tells how to have it again.
        """
        schema = schemathesis.openapi.from_dict(dict(self.document))
        seen: dict[int, int] = {}
        for found in schema.get_all_operations():
            assert isinstance(found, Ok), found
            self._check(found.ok(), examples, seen)
        return seen

    def _check(self, operation: AnyOperation, examples: int, seen: dict[int, int]) -> None:
        modes = (GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        cases = st.sampled_from(modes).flatmap(operation.as_strategy)

        @settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases, data=st.data())
        def ask(case: AnyCase, data: st.DataObject) -> None:
            self._make_known(case, data)
            response = case.call_and_validate(base_url=self.base, headers=dict(self.headers), checks=_CHECKS)
            seen[response.status_code] = seen.get(response.status_code, 0) + 1

        ask()

    def _make_known(self, case: AnyCase, data: st.DataObject) -> None:
        """Put good values in the place of most of those that were made up."""
        known = self.known
        if "id" in case.path_parameters and data.draw(st.integers(0, 4)):
            case.path_parameters["id"] = data.draw(st.sampled_from(known.ids[case.path.partition("/{id}")[0]]))
        body: Any = case.body
        if isinstance(body, dict) and case.path in known.bodies and data.draw(st.booleans()):
            kept = data.draw(st.sets(st.sampled_from(sorted(body)), max_size=1)) if body else set()
            case.body = body = {**known.bodies[case.path], **{name: body[name] for name in kept}}
        fields: Any
        for fields in (case.query, body):
            for name in sorted(fields.keys() & known.values.keys()) if isinstance(fields, dict) else ():
                if data.draw(st.integers(0, 4)):
                    fields[name] = data.draw(st.sampled_from(known.values[name]))
