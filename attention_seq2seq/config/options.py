"""Base class of the configurations: dataclasses whose fields have help, units and bounds."""

import dataclasses
import inspect
import math
import textwrap
from typing import Any

_WIDTH = 92


def option(default, help, *, unit="", low=None, high=None, choices=()):
    """Returns a dataclass field with a default, help text, unit, bounds and choices.

    Every element of a tuple must be one of the choices.
    """
    metadata = {"help": help, "unit": unit, "low": low, "high": high, "choices": tuple(choices)}
    return dataclasses.field(default=default, metadata=metadata)


class ConfigBase:
    """Base class of configurations: validates every field at construction.

    The help texts of the fields are appended to the docstring of the class.

    Raises:
        ValueError: a field has the wrong type, or is out of bounds.
    """

    def __init_subclass__(cls):
        super().__init_subclass__()
        fields = {n: f for n, f in vars(cls).items() if isinstance(f, dataclasses.Field)}
        lines = [
            textwrap.fill(
                f"{name}: {_describe(field)}",
                width=_WIDTH,
                initial_indent=4 * " ",
                subsequent_indent=8 * " ",
                break_on_hyphens=False,
            )
            for name, field in fields.items()
        ]
        doc = inspect.cleandoc(cls.__doc__)
        cls.__doc__ = "\n".join([f"{doc}\n\nAttributes:", *lines])

    def __post_init__(self):
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, _validate(field, getattr(self, field.name)))


def _describe(field: dataclasses.Field) -> str:
    """Returns the help, unit, default and bounds of a field."""
    metadata = field.metadata
    unit = f" [{metadata['unit']}]" if metadata["unit"] else ""
    low, high = metadata["low"], metadata["high"]
    bounds = ""
    if low is not None:
        bounds = f", at least {low}" if high is None else f", from {low} to {high}"
    quantifier = "any" if isinstance(field.default, tuple) else "one"
    names = ", ".join(metadata["choices"])
    choices = f", {quantifier} of {names}" if names else ""
    return f"{metadata['help']}{unit}; default {field.default!r}{bounds}{choices}."


def _validate(field: dataclasses.Field, value: Any) -> Any:
    kind = type(field.default)
    if kind is float and type(value) is int:
        value = float(value)
    if kind is tuple and isinstance(value, list):
        value = tuple(value)
    if type(value) is not kind:
        raise ValueError(
            f"{field.name} is {value!r}, a {type(value).__name__}; expected a {kind.__name__}, "
            f"for example {field.default!r}."
        )
    bounds = field.metadata
    if bounds["choices"]:
        _validate_choices(field.name, value, bounds["choices"])
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{field.name} is {value!r}; expected a finite number.")
    low, high = bounds["low"], bounds["high"]
    if (low is not None and value < low) or (high is not None and value > high):
        limit = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ValueError(f"{field.name} is {value!r}; expected {limit}.")
    return value


def _validate_choices(name: str, value: str | tuple, choices: tuple) -> None:
    names = ", ".join(choices)
    if not isinstance(value, tuple):
        if value not in choices:
            raise ValueError(f"{name} is {value!r}; choose one of {names}.")
        return
    for element in value:
        if element not in choices:
            raise ValueError(f"{name} contains {element!r}; choose any of {names}.")
