"""Shares, as people write them: ``40%`` or ``0.4``."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator


def read_share(value: Any) -> float:
    """``"40%"``, ``"0.4"`` and 0.4 as 0.4; the range is for the caller to check.

    >>> read_share("40%"), read_share("0.4")
    (0.4, 0.4)

    Raises:
        ValueError: it is no finite number, with or without a percent sign.
    """
    text = value.strip() if isinstance(value, str) else value
    try:
        if isinstance(text, bool):
            raise ValueError
        number = float(text.removesuffix("%")) / 100 if isinstance(text, str) and text.endswith("%") else float(text)
        if not math.isfinite(number):
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a share: write 40% or 0.4") from None
    return number


# A field of this type takes both; pydantic's constraints on the number come after it.
Share = Annotated[float, BeforeValidator(read_share, json_schema_input_type=float | str)]
