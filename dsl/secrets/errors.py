"""What can go wrong with secrets: MissingSecret, a reference to none; SecretKept, a step that would keep one."""

from ..errors import Problem


class MissingSecret(Exception):
    """A reference that names no secret: what is missing, why, and the mend."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(str(Problem(what, why=why, fix=fix)))


class SecretKept(Exception):
    """An output of a step holds a value that the step revealed."""

    def __init__(self) -> None:
        problem = Problem(
            "it holds the value of a secret",
            why="what a step returns is kept for good, and shown",
            fix="return what was done with the secret, not the secret",
        )
        super().__init__(str(problem))
