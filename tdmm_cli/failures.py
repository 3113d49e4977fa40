"""From exception to sentence and exit code, in one place.

0 done, 1 failed, 2 bad input or usage, 3 a model, library or licensed file is missing, 4 some clips failed, 130 interrupted.
"""

from __future__ import annotations

import errno
import functools
import os
import sys
from collections.abc import Callable

import typer

from tdmm_core.errors import TdmmError

OS_SENTENCES = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again, it goes on where it stopped",
    errno.EACCES: "no permission to write there; choose another folder",
    errno.EROFS: "the folder is read-only; choose another folder",
}


def guard(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap a command so that every failure ends in one sentence on stderr and the right exit code."""

    @functools.wraps(command)
    def guarded(*args: object, **kwargs: object) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            _say("interrupted; the same command goes on where it stopped")
            raise typer.Exit(130) from None
        except typer.Exit:
            raise
        except Exception as e:
            if os.environ.get("TDMM_DEBUG") == "1":
                raise
            _say(_sentence(e))
            raise typer.Exit(e.exit_code if isinstance(e, TdmmError) else 1) from None

    return guarded


def _sentence(e: Exception) -> str:
    if isinstance(e, TdmmError):
        return str(e)
    if isinstance(e, OSError) and e.errno in OS_SENTENCES:
        return f"{e.filename or 'output'}: {OS_SENTENCES[e.errno]}"
    return f"unexpected {type(e).__name__}: {e} (set TDMM_DEBUG=1 for the traceback)"


def _say(sentence: str) -> None:
    typer.echo(f"tdmm: {sentence}", err=True)
