"""Recipes: every name is a coherent chain, and a change is typed, nested and told apart from a slip of the pen."""

from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest

from tdmm_core.errors import InputError
from tdmm_core.recipes.load import load_recipe
from tdmm_core.recipes.named import RECIPES


def test_names() -> None:
    assert list(RECIPES) == ["tiny", "base", "paper"]
    assert all(recipe.name == name for name, recipe in RECIPES.items())


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_field_can_be_set_to_what_it_is(name: str) -> None:
    """A round trip through text of every leaf of every section."""
    recipe = load_recipe(name)

    def walk(value: object, dotted: str) -> None:
        for f in fields(value):  # type: ignore[arg-type]
            inner, key = getattr(value, f.name), f"{dotted}{f.name}"
            if is_dataclass(inner):
                walk(inner, key + ".")
            elif key != "name":
                import json

                text = inner if isinstance(inner, str) else json.dumps(inner)
                assert load_recipe(name, [f"{key}={text}"]) == recipe, key

    walk(recipe, "")


def test_a_change_changes_that_and_nothing_else() -> None:
    base = load_recipe("base")
    changed = load_recipe("base", ["tokenize.training.steps=7"])
    assert changed.tokenize.training.steps == 7
    assert replace(changed, tokenize=base.tokenize) == base


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["tokenize.training.step=7"], "steps"),
        (["tokenise.training.steps=7"], "tokenize"),
        (["tokenize.training.steps=many"], "expected int"),
        (["tokenize.training.steps=1.5"], "expected int"),
        (["tokenize.training"], "section.field=value"),
        (["tokenize=3"], "FIELD=VALUE"),
        (["synth.num_clips.x=3"], "single value"),
        (["eval.split=west"], "'train'"),
    ],
)
def test_a_slip_is_told(settings: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        load_recipe("base", settings)


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('recipe = "tiny"\n[tokenize.training]\nsteps = 9\n[eval]\nmax_clips = 3\n')
    recipe = load_recipe(str(path))
    assert (recipe.name, recipe.tokenize.training.steps, recipe.eval.max_clips) == ("mine", 9, 3)
    assert recipe.synth == load_recipe("tiny").synth
    path.write_text("[eval]\nmax_clip = 3\n")
    with pytest.raises(InputError, match="max_clips"):
        load_recipe(str(path))
    with pytest.raises(InputError, match="no such file"):
        load_recipe(str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match="tiny, base, paper"):
        load_recipe("huge")
