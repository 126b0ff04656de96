"""What the dashboard and the alert rules ask Prometheus, taken apart by a parser of its language."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    Matcher,
    MatchOp,
    MatrixSelector,
    ParenExpr,
    VectorSelector,
)

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "slotwire.json"
VARIABLES = {"$__rate_interval": "5m", "$job": ".+"}
"""What Grafana writes into a query before Prometheus sees it."""


@dataclass(frozen=True)
class Query:
    """A query, and where it stands."""

    place: str
    text: str

    @property
    def sent(self) -> str:
        """The query as Grafana sends it to Prometheus."""
        text = self.text
        for name, value in VARIABLES.items():
            text = text.replace(name, value)
        return text

    @property
    def parsed(self) -> Expr:
        """The query as a tree; whatever Prometheus would not take raises."""
        parsed: Expr = promql_parser.parse(self.sent)
        return parsed

    @property
    def selectors(self) -> list[VectorSelector]:
        """The series that it asks for."""
        return [node for node in self._nodes() if isinstance(node, VectorSelector)]

    @property
    def labels(self) -> set[str]:
        """The labels by which it groups, joins or chooses."""
        found = {matcher.name for selector in self.selectors for matcher in selector.matchers.matchers}
        for node in self._nodes():
            if isinstance(node, AggregateExpr) and node.modifier is not None:
                found.update(node.modifier.labels)
            if isinstance(node, BinaryExpr) and node.modifier is not None and node.modifier.matching is not None:
                found.update(node.modifier.matching.labels)
        return found

    @property
    def increasing(self) -> set[str]:
        """The counters of whose increase it asks how many there were."""
        calls = [node for node in self._nodes() if isinstance(node, Call) and node.func.name == "increase"]
        return {str(one.vector_selector.name) for call in calls for one in call.args if isinstance(one, MatrixSelector)}

    @property
    def contradictions(self) -> set[str]:
        """The labels that have one value on one side and another on the other, so that the sides never meet."""
        found: set[str] = set()
        for node in self._nodes():
            if isinstance(node, BinaryExpr) and (node.modifier is None or node.modifier.matching is None):
                left, right = _fixed(node.lhs), _fixed(node.rhs)
                found |= {name for name in left.keys() & right.keys() if left[name] != right[name]}
        return found

    def _nodes(self) -> list[Expr]:
        found: list[Expr] = []
        promql_parser.walk(self.parsed, found.append)
        return found


def _fixed(expression: Expr) -> Mapping[str, str]:
    """The labels of which all series of an expression have the same value."""
    if isinstance(expression, VectorSelector):
        return {one.name: one.value for one in expression.matchers.matchers if one.op == MatchOp.Equal}
    if isinstance(expression, MatrixSelector):
        return _fixed(expression.vector_selector)
    if isinstance(expression, ParenExpr):
        return _fixed(expression.expr)
    if isinstance(expression, BinaryExpr):
        return _fixed(expression.lhs)
    if isinstance(expression, Call):
        return {name: value for one in expression.args for name, value in _fixed(one).items()}
    return {}  # an aggregation leaves the labels that it groups by, of which the queries here fix none


def rules() -> list[dict[str, Any]]:
    """The alerts."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerting() -> list[Query]:
    """What the alerts ask."""
    return [Query(rule["alert"], rule["expr"]) for rule in rules()]


def panels() -> Sequence[dict[str, Any]]:
    """What the dashboard shows."""
    found: Sequence[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def shown() -> Iterator[Query]:
    """What the dashboard asks."""
    for panel in panels():
        for target in panel.get("targets", ()):
            yield Query(panel["title"], target["expr"])


def leaves_out(selector: VectorSelector, label: str, value: str) -> bool:
    """Whether series of a label's value are left out."""
    return any(matcher.name == label and _refuses(matcher, value) for matcher in selector.matchers.matchers)


def _refuses(matcher: Matcher, value: str) -> bool:
    if matcher.op == MatchOp.NotRe:
        return value in matcher.value.split("|")
    return bool(matcher.op == MatchOp.NotEqual and value == matcher.value)
