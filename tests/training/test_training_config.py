import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdmm_core.errors import InputError
from tdmm_core.training.config import TrainingConfig


@pytest.mark.parametrize(
    "bad",
    [
        {"steps": -1},
        {"batch_size": 0},
        {"gradient_accumulation": 0},
        {"batch_size": 10, "gradient_accumulation": 3},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"final_learning_rate": 1.5},
        {"beta2": 1.0},
        {"precision": "fp16"},
        {"schedule": "step"},
        {"keep": "both"},
        {"zero_stage": 4},
        {"log_every": 0},
        {"grad_clip": -1.0},
    ],
)
def test_an_impossible_setting_is_named_with_what_it_got(bad):
    with pytest.raises(InputError) as said:
        TrainingConfig(**bad)
    name = next(iter(bad))
    assert name in str(said.value) and repr(bad[name]) in str(said.value)


def test_every_field_says_what_it_means():
    import ast
    import inspect

    from tdmm_core.training import config

    body = next(node for node in ast.parse(inspect.getsource(config)).body if isinstance(node, ast.ClassDef)).body
    fields = [n for n, node in enumerate(body) if isinstance(node, ast.AnnAssign)]
    assert len(fields) == len(dataclasses.fields(TrainingConfig))
    for n in fields:
        assert isinstance(body[n + 1], ast.Expr) and isinstance(body[n + 1].value.value, str), ast.unparse(body[n])


@given(
    steps=st.integers(1, 300),
    warmup=st.integers(0, 400),
    schedule=st.sampled_from(["cosine", "linear", "constant"]),
    last=st.floats(0, 1),
)
def test_the_rate_rises_to_its_peak_and_then_never_rises(steps, warmup, schedule, last):
    config = TrainingConfig(steps=steps, warmup_steps=warmup, schedule=schedule, final_learning_rate=last, learning_rate=2e-3)
    rates = [config.learning_rate_at(step) for step in range(steps)]
    top = min(warmup, steps)
    assert all(0 <= rate <= 2e-3 * (1 + 1e-12) for rate in rates) and all(rate > 0 for rate in rates[:top])
    assert rates[:top] == sorted(rates[:top]) and rates[top:] == sorted(rates[top:], reverse=True)
    if top < steps:
        assert rates[top] == pytest.approx(2e-3)
    if top < steps - 1 and schedule != "constant":
        assert rates[-1] == pytest.approx(2e-3 * last, abs=1e-12)


@given(size=st.integers(1, 64), processes=st.integers(1, 8), parts=st.integers(1, 4))
def test_a_batch_divides_evenly_or_not_at_all(size, processes, parts):
    if size % parts:
        return
    config = TrainingConfig(batch_size=size, gradient_accumulation=parts)
    if size % (processes * parts):
        with pytest.raises(InputError, match=f"multiple of {processes * parts}"):
            config.micro_batch_size(processes)
    else:
        assert config.micro_batch_size(processes) * processes * parts == size
