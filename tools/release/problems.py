"""The one way in which a step of a release says no."""


class ReleaseError(Exception):
    """A release must not go on. `problems` holds every reason found, each a whole sentence."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
