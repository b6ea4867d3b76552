"""The small charts of the dashboard: numbers in, places in a drawing out; the templates draw them as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10

GAP = 0.25
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, from its upper left corner; `value` is what it stands for."""

    x: float
    y: float
    width: float
    height: float
    value: float


@dataclass(frozen=True, slots=True)
class Columns:
    """Bars beside each other below a round `top`."""

    bars: list[Bar]
    top: float


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line from `start` to `end`, in hundredths."""

    start: float
    end: float

    @property
    def width(self) -> float:
        """Its length; never so short that nobody sees it."""
        return max(0.8, self.end - self.start)


def columns(values: Sequence[float], width: float = 600, height: float = 100) -> Columns:
    """The values as bars in a drawing of this size; a value above none has at least one unit of height."""
    top = round_up(max(values, default=0))
    slot = width / max(1, len(values))
    bars = []
    for place, value in enumerate(values):
        tall = 0.0 if value <= 0 else max(1.0, height * value / top)
        bars.append(Bar(place * slot + slot * GAP / 2, height - tall, slot * (1 - GAP), tall, value))
    return Columns(bars, top)


def round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten; 1 for nothing."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** (ceil(log10(value)) - 1)
    return next(step * unit for step in STEPS if step * unit >= value * (1 - 1e-9))


def span(low: float, high: float, top: float = 1.0) -> Span:
    """From `low` to `high` on a line that ends at `top`."""
    return Span(100 * low / top, 100 * high / top)


def stacked(values: Sequence[float]) -> list[Span]:
    """The shares of the whole, one after the other."""
    whole, spans, at = sum(values) or 1, [], 0.0
    for value in values:
        end = at + value
        spans.append(span(at, end, whole))
        at = end
    return spans
