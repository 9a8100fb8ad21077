"""What the next build is likely to take, as lines of ``synth plan``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from synthkit.report.consumption import dollars, memory
from synthkit.report.style import plural, seconds
from synthkit.stats.expected import Forecast
from synthkit.stats.predict import Estimate

SHOWN = 4  # models without a past that are named


def of_model(forecast: Forecast, model: str) -> Iterator[str]:
    """A line for a model, or none where nothing is known of it."""
    found = forecast.of(model)
    if found is None:
        return
    parts = [_said(found.seconds, seconds)]
    if found.memory is not None:
        parts.append(f"memory {_said(found.memory, memory)}")
    if found.cost is not None:
        parts.append(_said(found.cost, dollars))
    rests = found.resting or f"from {plural(found.seconds.runs, 'run')}"
    yield f"likely {', '.join(parts)}; {rests}"


def of_build(forecast: Forecast) -> Iterator[str]:
    """A line for the whole, and one for what cannot be told."""
    if forecast.seconds is not None:
        parts = [f"{_said(forecast.seconds, seconds)} with {plural(forecast.threads, 'thread')}"]
        if forecast.memory is not None:
            parts.append(f"memory {_said(forecast.memory, memory)}")
        if forecast.cost is not None:
            parts.append(_said(forecast.cost, dollars))
        yield f"{'at least' if forecast.unknown else 'likely'} {', '.join(parts)}"
    if forecast.unknown:
        named = ", ".join(forecast.unknown[:SHOWN])
        more = f", and {len(forecast.unknown) - SHOWN} more" if len(forecast.unknown) > SHOWN else ""
        yield f"cannot tell yet what building takes, as no earlier build is recorded: {named}{more}"


def _said(estimate: Estimate, shown: Callable[[float], str]) -> str:
    """``12.0 s (8.1 s to 17.7 s)``: what is likely, and the 95 % interval."""
    return f"{shown(estimate.likely)} ({shown(estimate.low)} to {shown(estimate.high)})"
