"""Make the tables of the examples, always the same: `python parameters/examples/data/make.py`."""

import datetime
import math
import random
import sys
from pathlib import Path

__all__ = ["customers", "deliveries", "machines", "stores"]


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


def deliveries(rows: int = 1500) -> str:
    """Which orders arrive late: one in ten, and only `refund`, paid afterwards, says which."""
    draw = random.Random(17)  # noqa: S311 - nothing secret
    lines = ["ordered,region,carrier,express,items,weight_kg,distance_km,rain_mm,price,refund,late"]
    for _ in range(rows):
        ordered = datetime.date(2025, 1, 1) + datetime.timedelta(days=draw.randrange(365))
        region = draw.choices(["north", "south", "east", "west", "islands"], [30, 25, 20, 20, 5])[0]
        carrier = draw.choices(["Blue Van", "Parcel One", "Quick Bike", "Road Post"], [35, 30, 15, 20])[0]
        express, items = draw.random() < 0.25, 1 + int(draw.expovariate(0.6))
        weight = items * draw.lognormvariate(0.1, 0.7)
        distance = draw.lognormvariate(4.3, 0.8) + 150 * (region == "islands")
        rain, price = max(0.0, draw.gauss(1, 4)), 12 * items * draw.lognormvariate(0.3, 0.6)
        leaning = -4.5 + 0.009 * distance + 1.1 * (ordered.month == 12) + 0.5 * (ordered.weekday() >= 5)
        leaning += {"Blue Van": -0.4, "Parcel One": 0.1, "Quick Bike": 0.0, "Road Post": 0.9}[carrier]
        by_bike = carrier == "Quick Bike"
        leaning += 0.24 * weight if by_bike else 0.16 * rain + 0.04 * weight
        leaning += (0.9 if distance > 120 else -0.9) * express  # express helps nearby and fails far away
        late = draw.random() < 1 / (1 + math.exp(-1.35 * (leaning + 0.5)))
        cells = [
            ordered.isoformat(),
            region,
            "" if draw.random() < 0.03 else carrier,
            "yes" if express else "no",
            str(items),
            "" if draw.random() < 0.08 else f"{weight:.1f}",
            f"{distance:.0f}",
            "" if draw.random() < 0.05 else f"{rain:.1f}",
            f"{price:.2f}",
            f"{price * draw.uniform(0.1, 0.3):.2f}" if late else "0.00",
            "yes" if late else "no",
        ]
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def machines(count: int = 100, readings: int = 10) -> str:
    """Which readings precede a fault: several similar ones for each machine.

    How warm a machine runs and how loud it is tells one machine from another, and most of the faults are due
    to what only that machine has. So a model that knows a machine seems to be good.
    """
    draw = random.Random(11)  # noqa: S311 - nothing secret
    lines = ["machine,model,hours,temperature,noise,vibration,fault"]
    for machine in range(count):
        model, age = draw.choice(["A", "B", "C"]), draw.uniform(0, 8000)
        warmth, loudness, own = draw.gauss(60, 8), draw.gauss(70, 8), draw.gauss(0, 3.5)
        for _ in range(readings):
            age += draw.uniform(50, 400)
            vibration = 1.5 + age / 8000 + draw.gauss(0, 1)
            temperature, noise = warmth + draw.gauss(0, 0.4), loudness + draw.gauss(0, 0.4)
            leaning = 2.4 * (vibration - 2.4) + 0.8 * (model == "C") + own
            fault = draw.random() < 1 / (1 + math.exp(-1.4 * leaning))
            cells = [f"M{machine:02}", model, f"{age:.0f}", f"{temperature:.1f}", f"{noise:.1f}"]
            lines.append(",".join([*cells, f"{vibration:.2f}", "fault" if fault else "fine"]))
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
    for made in (customers, deliveries, machines, stores):
        target = Path(__file__).with_name(f"{made.__name__}.csv")
        target.write_text(made())
        print(f"{target.name}: {target.stat().st_size} bytes", file=sys.stderr)
