"""Quietening the language model library: it logs and draws bars by itself, and the command line owns stderr. Knows no model."""

from __future__ import annotations

import os
import warnings


def quiet() -> None:
    """Silence progress bars, advice and thread warnings of transformers. Call before the first load."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers\..*")
