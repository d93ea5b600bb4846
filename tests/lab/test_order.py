from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from pathlib import Path

from nightbook.lab.order import Order


def test_an_order_arrives_with_the_types_it_was_given() -> None:
    values = {"a": "007", "b": date(2026, 1, 1), "c": Decimal("1.10"), "d": Path("x"), "e": math.inf, "f": [1, None]}
    order = Order(notebook="/a/b.ipynb", parameters=values, is_forced=True)
    line = order.to_line()
    assert "\n" not in line
    back = Order.from_line(line)
    assert back == order
    assert {name: type(one) for name, one in back.parameters.items()} == {
        name: type(one) for name, one in values.items()
    }
