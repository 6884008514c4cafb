"""Make the tables of the examples, always the same: `python parameters/examples/data/make.py`."""

import datetime
import math
import random
import sys
from pathlib import Path

__all__ = ["customers", "machines", "stores"]


def customers(rows: int = 400) -> str:
    """Who cancels: a CSV from a German spreadsheet, with missing values, dates and an id column."""
    draw = random.Random(7)  # noqa: S311 - nothing secret
    lines = ["customer;since;region;plan;monthly_fee;calls;paperless;cancelled"]
    for number in range(rows):
        since = datetime.date(2019, 1, 1) + datetime.timedelta(days=draw.randrange(2000))
        region = draw.choice(["north", "south", "east", "west"])
        plan = draw.choices(["basic", "plus", "premium"], [5, 3, 2])[0]
        fee = {"basic": 19.9, "plus": 34.9, "premium": 59.9}[plan] + draw.gauss(0, 4)
        calls = max(0, round(draw.gauss(2, 2)))
        years = (datetime.date(2024, 7, 1) - since).days / 365
        leaning = 1.1 * calls + 0.06 * fee - 0.9 * years - (plan == "premium") - 2.2
        cancelled = draw.random() < 1 / (1 + math.exp(-1.6 * leaning))
        cells = [
            f"C{10_000 + 7 * number}",
            since.strftime("%d.%m.%Y"),
            region,
            plan,
            "" if draw.random() < 0.08 else f"{fee:.2f}".replace(".", ","),
            "" if draw.random() < 0.05 else str(calls),
            draw.choice(["yes", "no"]),
            "yes" if cancelled else "no",
        ]
        lines.append(";".join(cells))
    return "\n".join(lines) + "\n"


def machines(count: int = 60, readings: int = 8) -> str:
    """Which readings precede a fault: several similar ones for each machine."""
    draw = random.Random(11)  # noqa: S311 - nothing secret
    lines = ["machine,model,hours,temperature,vibration,fault"]
    for machine in range(count):
        model, age = draw.choice(["A", "B", "C"]), draw.uniform(0, 8000)
        warmth, wear = draw.gauss(60, 5), draw.gauss(0, 0.7)
        for _ in range(readings):
            age += draw.uniform(50, 400)
            vibration = 1.5 + age / 4000 + wear + draw.gauss(0, 0.3)
            temperature = warmth + 2 * vibration + draw.gauss(0, 1.5)
            leaning = 2.2 * (vibration - 3.2) + 0.18 * (temperature - 66) + 0.6 * (model == "C")
            fault = draw.random() < 1 / (1 + math.exp(-2 * leaning))
            cells = [f"M{machine:02}", model, f"{age:.0f}", f"{temperature:.1f}", f"{vibration:.2f}"]
            lines.append(",".join([*cells, "fault" if fault else "fine"]))
    return "\n".join(lines) + "\n"


def stores(count: int = 300) -> str:
    """Which days sell out: stores of very different size, most of them alike and some quite different."""
    draw = random.Random(13)  # noqa: S311 - nothing secret
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    lines = ["store,day,price,discount,degrees,sold_out"]
    for store in range(count):
        rows = min(500, max(2, round(math.exp(draw.gauss(3.1, 1.2)))))
        busy, peculiar = draw.gauss(0, 0.5), draw.random() < 0.15
        if draw.random() < 0.06:  # it never sells out
            busy = -50.0
        for _ in range(rows):
            day, price, discount = draw.choice(days), draw.uniform(2, 6), draw.choice([0, 0, 10, 20])
            degrees = draw.gauss(15, 8)
            weekend, cheap = day in ("Sat", "Sun"), (4 - price) / 1.2
            if peculiar:  # it sells something else
                leaning = -1.6 * (degrees - 15) / 6 + (-1.5 if weekend else 0.6) + 0.5 * cheap
            else:  # more than a few rows can tell
                leaning = (1.4 if degrees > 18 else -0.8) + (1.3 * cheap if weekend else 0.3 * cheap)
                leaning += {0: -0.4, 10: 0.2, 20: 1.6 if degrees < 12 else 0.2}[discount]
            leaning += busy
            sold_out = draw.random() < 1 / (1 + math.exp(-1.5 * leaning))
            cells = [f"S{store:03}", day, f"{price:.1f}", str(discount), f"{degrees:.0f}"]
            lines.append(",".join([*cells, "yes" if sold_out else "no"]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for made in (customers, machines, stores):
        target = Path(__file__).with_name(f"{made.__name__}.csv")
        target.write_text(made())
        print(f"{target.name}: {target.stat().st_size} bytes", file=sys.stderr)
