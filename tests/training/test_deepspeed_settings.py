import json

import pytest

from tdmm_core.errors import InputError
from tdmm_core.training.config import TrainingConfig
from tdmm_core.training.deepspeed_settings import peak_rate, read_user_settings, settings

CONFIG = TrainingConfig(batch_size=16, gradient_accumulation=2, learning_rate=2e-4, weight_decay=0.03, grad_clip=0.7, zero_stage=2, precision="bf16")


def chosen(user, device_type="cpu"):
    return settings(CONFIG, user, num_processes=2, device_type=device_type)


def test_without_a_file_all_is_ours():
    found = chosen({})
    assert (found["train_batch_size"], found["train_micro_batch_size_per_gpu"], found["gradient_accumulation_steps"]) == (16, 4, 2)
    assert found["gradient_clipping"] == 0.7 and found["zero_optimization"] == {"stage": 2}


def test_what_the_user_says_stands_and_what_is_left_out_or_auto_is_ours():
    user = {
        "train_batch_size": "auto",
        "gradient_clipping": 0.1,
        "zero_optimization": {"stage": "auto", "overlap_comm": False, "reduce_bucket_size": "auto"},
        "bf16": {"enabled": "auto"},
        "optimizer": {"type": "AdamW", "params": {"lr": "auto", "betas": "auto", "eps": 1e-6}},
        "scheduler": {"type": "WarmupDecayLR", "params": {"warmup_num_steps": "auto", "total_num_steps": "auto"}},
        "wall_clock_breakdown": True,
    }
    found = chosen(user)
    assert found["train_batch_size"] == 16 and found["gradient_clipping"] == 0.1 and found["wall_clock_breakdown"] is True
    assert found["zero_optimization"] == {"stage": 2, "overlap_comm": False}
    assert found["bf16"] == {"enabled": True}
    assert found["optimizer"] == {
        "type": "AdamW",
        "params": {"lr": 2e-4, "betas": [0.9, 0.99], "eps": 1e-6, "weight_decay": 0.03, "torch_adam": True},
    }
    assert found["scheduler"]["params"] == {"warmup_num_steps": CONFIG.warmup_steps, "total_num_steps": CONFIG.steps}
    assert "torch_adam" not in chosen(user, "cuda")["optimizer"]["params"]
    assert "auto" not in json.dumps(found)


def test_the_schedule_rises_to_the_users_own_rate():
    assert peak_rate(CONFIG, chosen({"optimizer": {"type": "AdamW", "params": {"lr": 0.5}}})) == 0.5
    assert peak_rate(CONFIG, chosen({"optimizer": {"type": "AdamW"}})) == peak_rate(CONFIG, chosen({})) == 2e-4


@pytest.mark.parametrize("key", ["train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps"])
def test_batch_sizes_that_contradict_the_config_are_refused(key):
    with pytest.raises(InputError, match=key):
        chosen({key: 3})


@pytest.mark.parametrize(("content", "said"), [(None, "no such file"), ("{'stage': 2", "JSON"), ("[1, 2]", "object"), ("", "JSON")])
def test_a_file_that_is_none_is_refused_in_a_sentence(tmp_path, content, said):
    path = tmp_path / "ds.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=said) as error:
        read_user_settings(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
