"""What all models of the contracts have in common.

Invariant: a contract's value never changes, and a reader skips the keys that it does not know, so that a newer
producer may add some.
"""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

__all__ = ["ContractModel", "omitted_when_none"]


class ContractModel(BaseModel):
    """A frozen model that ignores unknown keys and is written under its aliases.

    In its JSON Schema a field has the docstring below it as its description. It is looked for only then: where pydantic
    does so, with `use_attribute_docstrings`, every process that imports a model reads its source first.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        serialize_by_alias=True,
        validate_by_name=True,
        validate_by_alias=True,
        json_schema_serialization_defaults_required=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the model, and each field by its docstring."""
        described = handler(schema)
        properties = handler.resolve_ref_schema(described).get("properties", {})
        for name, told in _docstrings(cls).items():
            field = cls.model_fields[name]
            for written in (name, field.alias, field.validation_alias, field.serialization_alias):
                if isinstance(written, str) and written in properties:
                    properties[written].setdefault("description", told)
        return described


def _docstrings(model: type[BaseModel]) -> Mapping[str, str]:
    """Tell the docstrings of a model's fields, those of the models before it too, by the fields' names."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, ContractModel):
            written = _classes(cls.__module__).get(cls.__name__.partition("[")[0])
            found |= dict(_below(written)) if written is not None else {}
    return {name: told for name, told in found.items() if name in model.model_fields}


@cache
def _classes(module: str) -> Mapping[str, ast.ClassDef]:
    """Read the classes of a module, by name."""
    body = ast.parse(inspect.getsource(sys.modules[module])).body
    return {node.name: node for node in body if isinstance(node, ast.ClassDef)}


def _below(written: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Tell what stands as a string right below each name that a class annotates."""
    for statement, following in pairwise(written.body):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(told))):
                yield name, inspect.cleandoc(told)


def _is_none(value: object) -> bool:
    return value is None


def _never_null(schema: dict[str, Any]) -> None:
    """Drop null from a field's JSON Schema: None is written as absence."""
    schema.pop("default")
    (present,) = (each for each in schema.pop("anyOf") if each != {"type": "null"})
    schema.update(present)


def omitted_when_none() -> Any:
    """Declare a field that may be None and is then not written at all."""
    return Field(default=None, exclude_if=_is_none, json_schema_extra=_never_null)
