"""What a client is told of a request that cannot be answered."""

__all__ = ["BadRequest"]


class BadRequest(ValueError):
    """A request that cannot be answered, with its HTTP status and one sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
