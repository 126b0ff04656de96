"""What the dashboard and the alert rules ask Prometheus, taken apart by a parser of its language."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml
from promql_parser import AggregateExpr, BinaryExpr, Expr, Matcher, MatchOp, VectorSelector

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

    def _nodes(self) -> list[Expr]:
        found: list[Expr] = []
        promql_parser.walk(self.parsed, found.append)
        return found


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
