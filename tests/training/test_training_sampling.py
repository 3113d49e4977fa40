import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdmm_core.errors import InputError
from tdmm_core.training.config import TrainingConfig
from tdmm_core.training.sampling import draw_rows


def all_rows(monkeypatch, config, step, *, processes, num_rows, seed=1):
    """Rows of one step, over processes and parts, in no particular order."""
    found = []
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    for process in range(processes):
        monkeypatch.setenv("RANK", str(process))
        for part in range(config.gradient_accumulation):
            found += draw_rows(num_rows, step * config.gradient_accumulation + part, config=config, seed=seed).tolist()
    return found


@given(num_rows=st.integers(1, 40), step=st.integers(0, 50))
def test_a_step_has_the_same_rows_however_many_processes_share_it(num_rows, step):
    with pytest.MonkeyPatch.context() as monkeypatch:
        whole = all_rows(monkeypatch, TrainingConfig(batch_size=24), step, processes=1, num_rows=num_rows)
        shared = all_rows(monkeypatch, TrainingConfig(batch_size=24, gradient_accumulation=3), step, processes=4, num_rows=num_rows)
    assert sorted(whole) == sorted(shared) and len(whole) == 24


def test_an_epoch_shows_every_row_once_and_the_next_in_another_order():
    config = TrainingConfig(batch_size=4)
    drawn = np.concatenate([draw_rows(22, step, config=config, seed=9) for step in range(11)])  # 44 rows: two epochs
    first, second = drawn[:22], drawn[22:]
    assert sorted(first) == sorted(second) == list(range(22))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, np.concatenate([draw_rows(22, step, config=config, seed=8) for step in range(6)])[:22])


def test_no_rows_at_all_are_refused():
    with pytest.raises(InputError, match="at least one row"):
        draw_rows(0, 0, config=TrainingConfig(), seed=0)
