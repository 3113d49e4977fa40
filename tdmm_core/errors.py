"""Every failure that a user can cause. Each carries one sentence: what was expected, what was got, what to do next."""


class TdmmError(Exception):
    """A failure to be told to the user in one sentence; the class decides the exit code of the command."""

    exit_code = 1


class InputError(TdmmError):
    """A file, value or option that cannot be used as given."""

    exit_code = 2


class MissingPartError(TdmmError):
    """A model, library or licensed file that this step needs is not there."""

    exit_code = 3


class PartialFailureError(TdmmError):
    """The run finished and its artifact is written, but some clips failed; the artifact names them."""

    exit_code = 4


class ServiceError(TdmmError):
    """A service on the net refused or did not answer; `status` is its HTTP status, 0 where none came."""

    def __init__(self, sentence: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(sentence)
        self.status, self.reason = status, reason
