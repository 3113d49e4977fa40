"""The engine in this one process, against a plain torch loop and against itself."""

import copy
import json
import logging
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_cases import SmallModel, equal_states, farthest, small_config, small_task

from tdmm_core.errors import InputError, TdmmError
from tdmm_core.runtime.seeding import derive_seed
from tdmm_core.training import curves
from tdmm_core.training.engine import train
from tdmm_core.training.task import Place, TrainingTask

SEED = 5


def place(folder, **changes):
    return Place(run_dir=folder, device="cpu", **changes)


def trained(folder, config, *, place_changes=None, **task_changes):
    """A fresh small model, trained in a folder, and the summary."""
    task = small_task(config, **task_changes)
    return task.model, train(task, config, place(folder, **(place_changes or {})), seed=SEED)


def plainly(config, **task_changes):
    """The slow twin: the same training by torch alone."""
    task = small_task(config, **task_changes)
    model = task.model
    learning = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learning if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in learning if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(config.beta1, config.beta2))
    for step in range(config.steps):
        torch.manual_seed(derive_seed(SEED, "step", step, 0))
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate_at(step)
        for part in range(step * config.gradient_accumulation, (step + 1) * config.gradient_accumulation):
            (model(task.train_batch(part))["loss"] / config.gradient_accumulation).backward()
        torch.nn.utils.clip_grad_norm_(learning, config.grad_clip)
        optimizer.step()
        optimizer.zero_grad()
        if task.after_step:
            task.after_step(step + 1)
    return model


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
@pytest.mark.parametrize("parts", [1, 2])
def test_it_learns_what_a_plain_loop_learns(tmp_path, stage, parts):
    config = small_config(steps=25, gradient_accumulation=parts, zero_stage=stage)
    model, summary = trained(tmp_path, config)
    twin = plainly(config)
    assert summary.steps == 25 and model.seen == twin.seen == 25 * 8
    assert farthest(model.state_dict(), twin.state_dict()) < 2e-6
    assert farthest(model.state_dict(), SmallModel().state_dict()) > 1e-2  # so the bound above means something


def test_parts_of_a_batch_add_up_to_the_whole_batch(tmp_path):
    whole, _ = trained(tmp_path / "1", small_config(steps=20), dropout=0.0, hook=False)
    parts, _ = trained(tmp_path / "4", small_config(steps=20, gradient_accumulation=4), dropout=0.0, hook=False)
    whole.mean.zero_(), parts.mean.zero_()  # a running mean over more, smaller batches is another one
    assert farthest(whole.state_dict(), parts.state_dict()) < 1e-5


def test_equal_arguments_give_equal_bits_and_another_seed_others(tmp_path):
    config = small_config(steps=15)
    first, second = trained(tmp_path / "a", config)[0], trained(tmp_path / "b", config)[0]
    assert equal_states(first, second)
    task = small_task(config)
    train(task, config, place(tmp_path / "c"), seed=SEED + 1)
    assert not equal_states(first, task.model)


@pytest.mark.parametrize("stage", [0, 2, 3])
def test_afterwards_it_is_an_ordinary_model_that_can_be_trained_again(tmp_path, stage):
    config = small_config(steps=5, zero_stage=stage)
    task = small_task(config)
    parameters, fresh = list(task.model.parameters()), SmallModel()
    frozen = copy.deepcopy(task.model.frozen.state_dict())
    train(task, config, place(tmp_path / "a"), seed=SEED)
    model = task.model
    assert all(here is there for here, there in zip(parameters, model.parameters(), strict=True))
    for parameter in model.parameters():
        assert parameter.dtype == torch.float32 and parameter.device.type == "cpu" and parameter.grad is None and parameter.is_leaf
        assert vars(parameter) == {} and not parameter._backward_hooks and not parameter._post_accumulate_grad_hooks
    for module, new in zip(model.modules(), fresh.modules(), strict=True):
        assert vars(module).keys() == vars(new).keys() and type(module._parameters) is type(new._parameters)
        assert not module._forward_hooks and not module._forward_pre_hooks and not module._backward_hooks
    assert [p.requires_grad for p in model.parameters()] == [p.requires_grad for p in fresh.parameters()]
    assert all(torch.equal(value, frozen[name]) for name, value in model.frozen.state_dict().items())
    copy.deepcopy(model)
    once = copy.deepcopy(model.state_dict())
    train(task, config, place(tmp_path / "b"), seed=SEED)
    assert farthest(once, model.state_dict()) > 1e-4


def test_the_model_holds_the_best_or_the_last_weights(tmp_path):
    config = small_config(steps=60, learning_rate=0.05, keep="best", validate_every=6, schedule="constant")
    best, summary = trained(tmp_path / "best", config)
    last, _ = trained(tmp_path / "last", replace(config, keep="last"))
    lines = {line["step"]: line["loss"] for line in curves.read(tmp_path / "best" / "curves.jsonl") if line["split"] == "validation"}
    assert len(lines) == 10 and lines[summary.best_step] == min(lines.values()) == summary.validation_loss
    assert summary.best_step < 60  # else this test would tell nothing
    assert held_out_loss(best) == pytest.approx(min(lines.values()), rel=1e-5)
    assert held_out_loss(last) == pytest.approx(lines[60], rel=1e-5)


def held_out_loss(model):
    """Mean over the held-out rows, computed here."""
    model.eval()
    with torch.no_grad():
        pairs = [(float(model(batch)["loss"]), len(batch["y"])) for batch in small_task(small_config()).validation_batches()]
    return sum(loss * rows for loss, rows in pairs) / sum(rows for _, rows in pairs)


def test_a_finished_run_is_only_read_again(tmp_path):
    config = small_config(steps=20, keep="best")
    first, summary = trained(tmp_path, config)
    curve = (tmp_path / "curves.jsonl").read_text()
    again, second = trained(tmp_path, config)
    assert equal_states(first, again) and (tmp_path / "curves.jsonl").read_text() == curve
    assert (second.best_step, second.validation_loss, second.train_loss) == (summary.best_step, summary.validation_loss, summary.train_loss)


def test_two_checkpoints_are_kept_and_nothing_unfinished(tmp_path):
    trained(tmp_path, small_config(steps=40, checkpoint_every=10, keep="best"))
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["step-00000030", "step-00000040"]
    assert not list(tmp_path.rglob("*.part"))
    spoken_of = {json.loads((p / "state.json").read_text())["best_step"] for p in (tmp_path / "checkpoints").iterdir()}
    assert {int(p.stem.split("-")[1]) for p in tmp_path.glob("best-*")} == spoken_of


def test_the_curve_has_every_line_once_with_its_measures(tmp_path):
    trained(tmp_path, small_config(steps=43, log_every=5))
    lines = curves.read(tmp_path / "curves.jsonl")
    train_lines = [line for line in lines if line["split"] == "train"]
    assert [line["step"] for line in train_lines] == [5, 10, 15, 20, 25, 30, 35, 40, 43]
    assert [line["step"] for line in lines if line["split"] == "validation"] == [10, 20, 30, 40, 43]
    assert all({"loss", "error", "learning_rate", "samples_per_s", "elapsed_s"} <= line.keys() for line in train_lines)
    assert [line["revived"] for line in train_lines if "revived" in line] == [1.0] * 6
    assert (tmp_path / "curves.png").stat().st_size > 5000


def test_bf16_computes_in_bfloat16_and_keeps_float32_weights(tmp_path):
    seen = set()

    class Watching(SmallModel):
        def forward(self, batch):
            seen.add(self.enter(batch["motion"]["x"] @ self.frozen.weight.T).dtype)
            assert self.enter.weight.dtype == self.mean.dtype == torch.float32
            return super().forward(batch)

    config = small_config(steps=20, precision="bf16")
    task = small_task(config, hook=False)
    task.model.__class__ = Watching
    train(task, config, place(tmp_path / "b"), seed=SEED)
    full, _ = trained(tmp_path / "f", replace(config, precision="fp32"), hook=False)
    assert seen == {torch.bfloat16}
    assert 0 < farthest(task.model.state_dict(), full.state_dict()) < 0.02


def test_the_callers_random_stream_goes_on_untouched(tmp_path):
    torch.manual_seed(11)
    wanted = torch.rand(3)
    task = small_task(small_config(steps=3))
    torch.manual_seed(11)
    train(task, small_config(steps=3), place(tmp_path), seed=SEED)
    assert torch.equal(torch.rand(3), wanted)


def test_no_step_and_no_validation(tmp_path):
    task = small_task(small_config())
    before = copy.deepcopy(task.model.state_dict())
    summary = train(task, small_config(steps=0), place(tmp_path / "none"), seed=SEED)
    assert farthest(before, task.model.state_dict()) == 0 and summary.steps == 0 and summary.train_loss is None
    bare = TrainingTask(model=task.model, train_batch=task.train_batch)
    summary = train(bare, small_config(steps=3, keep="best"), place(tmp_path / "bare"), seed=SEED)
    assert summary.validation_loss is None and summary.best_step == 0 and summary.train_loss > 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_and_names_the_step(tmp_path, bad):
    config = small_config(steps=30, checkpoint_every=10)
    task = small_task(config)
    good = task.train_batch
    poisoned = replace(task, train_batch=lambda part: {**good(part), "y": torch.full((8, 12), bad)} if part == 16 else good(part))
    with pytest.raises(TdmmError, match=r"step 17 .*checkpoint of step 10 is kept"):
        train(poisoned, config, place(tmp_path), seed=SEED)
    healthy, _ = trained(tmp_path, config)
    assert equal_states(healthy, trained(tmp_path / "fresh", config)[0])


def test_a_weight_that_is_not_finite_reaches_no_checkpoint(tmp_path):
    config = small_config(steps=4, checkpoint_every=1)
    task = small_task(config)

    def poison(step):
        if step == 3:
            task.model.leave.bias.data[0] = float("nan")

    with pytest.raises(TdmmError, match=r"weight after step 3"):
        train(replace(task, after_step=poison), config, place(tmp_path), seed=SEED)
    assert [p.name for p in sorted((tmp_path / "checkpoints").iterdir())] == ["step-00000001", "step-00000002"]


def test_a_run_of_other_settings_is_refused_or_replaced(tmp_path):
    trained(tmp_path, small_config(steps=6))
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"steps 6, here 8.*--force"):
        trained(tmp_path, small_config(steps=8))
    task = small_task(small_config(steps=6))
    with pytest.raises(InputError, match=r"seed 5, here 6"):
        train(task, small_config(steps=6), place(tmp_path), seed=6)
    with pytest.raises(InputError, match=r"task"):
        train(replace(task, identity="other data"), small_config(steps=6), place(tmp_path), seed=SEED)
    replaced, summary = trained(tmp_path, small_config(steps=8), place_changes={"force": True})
    assert summary.steps == 8 and equal_states(replaced, trained(tmp_path / "fresh", small_config(steps=8))[0])
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_cadence_may_change_when_going_on_and_no_resume_begins_anew(tmp_path):
    trained(tmp_path, small_config(steps=6, log_every=2))
    assert trained(tmp_path, small_config(steps=6, log_every=1, checkpoint_every=3))[1].steps == 6
    trained(tmp_path, small_config(steps=6, log_every=1), place_changes={"resume": False})
    assert len(curves.read(tmp_path / "curves.jsonl")) == 6 + 1


def test_a_folder_that_cannot_be_one_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="folder"):
        trained(tmp_path / "file", small_config())
    trained(tmp_path / "run", small_config(steps=2))
    (tmp_path / "run" / "run.json").write_text("{ broken")
    with pytest.raises(InputError, match="damaged"):
        trained(tmp_path / "run", small_config(steps=2))


def test_a_damaged_checkpoint_is_named(tmp_path):
    trained(tmp_path, small_config(steps=20))
    (tmp_path / "checkpoints" / "step-00000020" / "state.json").write_text("{")
    with pytest.raises(TdmmError, match=r"step-00000020.*damaged"):
        trained(tmp_path, small_config(steps=20))


def test_a_checkpoint_executes_nothing(tmp_path):
    trained(tmp_path / "run", small_config(steps=5, zero_stage=1))
    (file,) = (tmp_path / "run").rglob("*optim_states.pt")
    state = torch.load(file, weights_only=False)
    torch.save({**state, "more": Planted(tmp_path / "executed")}, file)
    with pytest.raises(TdmmError, match=r"step-00000005.*damaged"):
        trained(tmp_path / "run", small_config(steps=5, zero_stage=1))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(("holder", "name", "read"), [(None, "gradients", True), (str, "upper", False), (Path, "touch", False)])
def test_of_what_getattr_gives_a_checkpoint_may_hold_members_of_enumerations(tmp_path, holder, name, read):
    """Python before 3.11.4 pickles an enumeration's member so; DeepSpeed's stage of ZeRO is one."""
    from deepspeed.runtime.zero.config import ZeroStageEnum

    trained(tmp_path / "run", small_config(steps=5, zero_stage=1))
    (file,) = (tmp_path / "run").rglob("*optim_states.pt")
    torch.save({**torch.load(file, weights_only=False), "more": Member(holder or ZeroStageEnum, name)}, file)
    if read:
        assert trained(tmp_path / "run", small_config(steps=5, zero_stage=1))[1].steps == 5
    else:
        with pytest.raises(TdmmError, match=r"step-00000005.*damaged"):
            trained(tmp_path / "run", small_config(steps=5, zero_stage=1))


class Member:
    """Pickles as `getattr(holder, name)`."""

    def __init__(self, holder, name):
        self.holder, self.name = holder, name

    def __reduce__(self):
        return (getattr, (self.holder, self.name))


class Planted:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    "user",
    [
        {"zero_optimization": {"stage": 2}, "gradient_clipping": "auto"},
        {"optimizer": {"type": "AdamW", "params": {"lr": "auto", "betas": "auto"}}, "zero_optimization": {"stage": 1}},
        {"scheduler": {"type": "WarmupLR", "params": {"warmup_max_lr": "auto", "warmup_num_steps": 3, "warmup_type": "linear"}}},
        {"bf16": {"enabled": True}, "zero_optimization": {"stage": 1}},
        {"bf16": {"enabled": True}, "zero_optimization": {"stage": 3}},
    ],
)
def test_it_trains_under_settings_of_the_users_own(tmp_path, user):
    file = tmp_path / "ds.json"
    file.write_text(json.dumps(user))
    config = small_config(steps=30)
    model, summary = trained(tmp_path / "run", config, place_changes={"deepspeed_config": file})
    first = curves.read(tmp_path / "run" / "curves.jsonl")[0]["loss"]
    assert summary.train_loss < 0.9 * first
    assert all(p.dtype == torch.float32 for p in model.parameters())
    if "scheduler" in user:
        rates = [line["learning_rate"] for line in curves.read(tmp_path / "run" / "curves.jsonl") if line["split"] == "train"]
        assert rates == [config.learning_rate] * 6
    again, _ = trained(tmp_path / "run", config, place_changes={"deepspeed_config": file})
    assert equal_states(model, again)


def test_settings_that_deepspeed_does_not_take_are_refused_in_a_sentence(tmp_path):
    file = tmp_path / "ds.json"
    for user in ({"zero_optimization": {"stage": 9}}, {"optimizer": {"type": "NoSuchOne"}}, {"fp16": {"enabled": True}, "bf16": {"enabled": True}}):
        file.write_text(json.dumps(user))
        with pytest.raises(InputError, match="--deepspeed") as error:
            trained(tmp_path / "run", small_config(), place_changes={"deepspeed_config": file})
        assert "\n" not in str(error.value)


def test_it_is_silent_and_tells_progress_from_first_to_last(tmp_path, capfd):
    told = []

    class Told:
        def start(self, task, total, unit):
            told.append(("start", total))

        def advance(self, count=1, note=""):
            told.append(("advance", count))

        def finish(self):
            told.append(("finish", 0))

        def log(self, line): ...

    config = small_config(steps=12, zero_stage=2)
    train(small_task(config), config, place(tmp_path), seed=SEED, progress=Told())
    assert told[0] == ("start", 12) and told[-1] == ("finish", 0) and sum(count for kind, count in told if kind == "advance") == 12
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""
    assert not logging.getLogger("DeepSpeed").propagate


def test_it_runs_outside_the_main_thread(tmp_path):
    done = []
    thread = threading.Thread(target=lambda: done.append(trained(tmp_path, small_config(steps=3))[1].steps))
    thread.start()
    thread.join()
    assert done == [3]


def test_a_machine_without_deepspeed_is_told_what_is_missing(tmp_path, monkeypatch):
    import sys

    from tdmm_core.errors import MissingPartError

    monkeypatch.setitem(sys.modules, "deepspeed", None)
    with pytest.raises(MissingPartError, match="pip install"):
        trained(tmp_path, small_config())
    assert not list(Path(tmp_path).iterdir())
