"""A recipe: one config for every verb, so that a name fixes a coherent chain. The named ones are tiny, base and paper."""

from __future__ import annotations

from dataclasses import dataclass, field

from tdmm_core.evaluation.config import EvalConfig
from tdmm_core.fitting.config import FitConfig
from tdmm_core.language.config import AnimateConfig, L2MConfig
from tdmm_core.language.m2l_config import DescribeConfig, M2LConfig
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.tokenization.config import TokenizerConfig


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of all verbs; the defaults are the recipe `base`."""

    name: str = "base"
    synth: SynthConfig = field(default_factory=SynthConfig)
    fit: FitConfig = field(default_factory=FitConfig)
    tokenize: TokenizerConfig = field(default_factory=TokenizerConfig)
    l2m: L2MConfig = field(default_factory=L2MConfig)
    m2l: M2LConfig = field(default_factory=M2LConfig)
    animate: AnimateConfig = field(default_factory=AnimateConfig)
    describe: DescribeConfig = field(default_factory=DescribeConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
