"""`Rates`: how many requests a user, a key or an address may send; `seconds_to_wait(who, now)` counts one and answers.

Each has a bucket of tokens that fills as time goes by, so that a page with many parts is drawn at once.
"""

BURST = 2
"""Seconds whose requests may come at once."""
MOST_CALLERS = 10_000
"""Callers that are remembered; then all begin anew."""


class Rates:
    """The requests of all callers of one server; without a limit nobody has to wait."""

    def __init__(self, per_second: int | None) -> None:
        self.per_second = per_second
        self._left: dict[str, tuple[float, float]] = {}

    def seconds_to_wait(self, who: str, now: float) -> float:
        """0 where the request may pass; else, without counting it, the seconds after which one may."""
        if self.per_second is None:
            return 0.0
        most = float(BURST * self.per_second)
        left, before = self._left.get(who, (most, now))
        left = min(most, left + (now - before) * self.per_second)
        if left < 1:
            return (1 - left) / self.per_second
        if who not in self._left and len(self._left) >= MOST_CALLERS:
            self._left.clear()
        self._left[who] = (left - 1, now)
        return 0.0
