"""From a name or a TOML file, and `section.field=value` changes, to a recipe. Every value is checked against its field's type."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tdmm_core.errors import InputError
from tdmm_core.recipes.named import RECIPES
from tdmm_core.recipes.recipe import Recipe


def load_recipe(name: str, settings: Sequence[str] = ()) -> Recipe:
    """The recipe called `name`, or read from a TOML file, with `section.field=value` changes applied in order.

    A TOML file may name its starting point (`recipe = "tiny"`) and holds one table for each section.
    Raises InputError for an unknown name, key or a value of the wrong type.
    """
    recipe = _from_file(Path(name)) if name.endswith(".toml") else _named(name)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise InputError(f"--set: expected section.field=value, got {setting!r}")
        recipe = _changed(recipe, key.strip().split("."), _parse(text.strip()), key.strip())
    return recipe


def _named(name: str) -> Recipe:
    if name not in RECIPES:
        raise InputError(f"--recipe: expected {', '.join(RECIPES)} or a .toml file, got {name!r}")
    return RECIPES[name]


def _from_file(path: Path) -> Recipe:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as e:
        raise InputError(f"--recipe {path}: no such file") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise InputError(f"--recipe {path}: expected TOML, got an error at {e}") from e
    recipe = replace(_named(str(data.pop("recipe", "base"))), name=path.stem)
    return _merged(recipe, data, "")


def _merged(target: Any, data: Mapping[str, Any], prefix: str) -> Any:
    for key, value in data.items():
        dotted = f"{prefix}{key}"
        field_value = getattr(target, key, None)
        if isinstance(value, Mapping) and is_dataclass(field_value):
            target = replace(target, **{key: _merged(field_value, value, f"{dotted}.")})
        else:
            target = _changed(target, [key], value, dotted)
    return target


def _changed(target: Any, keys: Sequence[str], value: object, dotted: str) -> Any:
    """`target` with one nested field replaced."""
    known = [f.name for f in fields(target) if f.name != "name"]
    if keys[0] not in known:
        near = difflib.get_close_matches(keys[0], known, n=3, cutoff=0.5) or known
        raise InputError(f"--set {dotted}: unknown setting {keys[0]!r}; did you mean {', '.join(near)}?")
    current = getattr(target, keys[0])
    if len(keys) > 1:
        if not is_dataclass(current):
            raise InputError(f"--set {dotted}: {keys[0]} is a single value and has no field {keys[1]!r}")
        return replace(target, **{keys[0]: _changed(current, keys[1:], value, dotted)})
    if is_dataclass(current):
        raise InputError(f"--set {dotted}: expected {dotted}.FIELD=VALUE with one of {', '.join(f.name for f in fields(current))}")
    return replace(target, **{keys[0]: _typed(value, get_type_hints(type(target))[keys[0]], dotted)})


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)


def _typed(value: object, kind: Any, dotted: str) -> object:
    """`value` as the field's type, or an error that says what was expected."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None and NoneType in args:
            return None
        return _typed(value, next(a for a in args if a is not NoneType), dotted)
    if origin is Literal and value in args:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        inner = [args[0]] * len(value) if args[-1] is Ellipsis else list(args)
        if len(inner) == len(value):
            return tuple(_typed(v, k, dotted) for v, k in zip(value, inner, strict=True))
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind in (int, bool, str) and type(value) is kind:
        return value
    if kind is str and isinstance(value, int | float):
        return str(value)
    wanted = " or ".join(map(repr, args)) if origin is Literal else getattr(kind, "__name__", str(kind))
    raise InputError(f"--set {dotted}: expected {wanted}, got {value!r}")
