"""What use has cost."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from modelyard.core.caller import Caller
from modelyard.core.cost import CostReport

from .yard import Yard


def report_costs(
    yard: Yard,
    caller: Caller,
    by: Literal["model", "user", "day", "kind", "hardware"],
    since: datetime,
    until: datetime,
) -> CostReport:
    raise NotImplementedError
