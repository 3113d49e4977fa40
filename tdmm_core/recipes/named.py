"""The named recipes. A default is written once, in the config that owns it; here stands only what differs."""

from __future__ import annotations

from dataclasses import replace

from tdmm_core.evaluation.config import EvalConfig
from tdmm_core.fitting.config import FitConfig
from tdmm_core.language.config import AnimateConfig, L2MConfig
from tdmm_core.language.m2l_config import M2LConfig
from tdmm_core.recipes.recipe import Recipe
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.tokenization.config import TokenizerConfig

BASE = Recipe()
"The embedded models are made with it, on two CPU cores."

TINY = Recipe(
    name="tiny",
    synth=SynthConfig(num_clips=8, min_duration_s=2.0, max_duration_s=3.0, image_width_px=256, image_height_px=256),
    fit=FitConfig(num_keyframes=8),
    tokenize=TokenizerConfig(
        num_codes=256,
        encoder_width=48,
        decoder_width=48,
        training=replace(BASE.tokenize.training, steps=300, batch_size=8, validate_every=100, checkpoint_every=100),
    ),
    l2m=L2MConfig(
        width=128,
        num_layers=2,
        num_text_layers=1,
        feed_forward=256,
        training=replace(BASE.l2m.training, steps=120, batch_size=16, validate_every=40, checkpoint_every=40, warmup_steps=20),
    ),
    m2l=M2LConfig(
        gist_width=48,
        gist_layers=1,
        num_layers=4,
        apprentice=replace(BASE.m2l.apprentice, steps=40, batch_size=8, validate_every=20, checkpoint_every=20, warmup_steps=4),
        training=replace(BASE.m2l.training, steps=12, batch_size=4, validate_every=6, checkpoint_every=6, warmup_steps=2),
    ),
    eval=EvalConfig(max_clips=16),
)
"Every command in some seconds; too small to be good at anything."

PAPER = Recipe(
    name="paper",
    synth=SynthConfig(num_clips=57_200, min_duration_s=4.0, max_duration_s=6.0, image_width_px=618, image_height_px=360),
    tokenize=TokenizerConfig(
        encoder_width=256, decoder_width=256, num_vertices=1200, training=replace(BASE.tokenize.training, steps=100_000, batch_size=256)
    ),
    l2m=L2MConfig(
        width=1536,
        num_layers=24,
        num_text_layers=2,
        num_heads=16,
        feed_forward=4096,
        training=replace(
            BASE.l2m.training,
            steps=60_000,
            batch_size=256,
            learning_rate=2e-4,
            precision="bf16",
            zero_stage=2,
            warmup_steps=2000,
            validate_every=1000,
        ),
    ),
    m2l=M2LConfig(
        tuning="full",
        gist_frames=0,
        num_layers=0,
        training=replace(
            BASE.m2l.training,
            precision="bf16",
            steps=10_000,
            batch_size=128,
            learning_rate=2e-5,
            zero_stage=3,
            warmup_steps=300,
            validate_every=500,
            checkpoint_every=500,
        ),
    ),
    animate=AnimateConfig(batch_size=32),
    eval=EvalConfig(max_clips=2000),
)
"The paper's sizes, for GPUs: 57,200 clips, a transformer of 0.7 billion parameters, a language model tuned whole."

RECIPES = {"tiny": TINY, "base": BASE, "paper": PAPER}
"In order of size."
