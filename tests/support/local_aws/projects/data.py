"""The data sets of these projects, made up from a seed."""

import csv
import io
import random

__all__ = ["customers", "shells"]


def customers(rows: int = 160) -> str:
    """Customers who leave when they pay much and call often, as CSV with numbers only."""
    chance = random.Random(5)
    table = []
    for _ in range(rows):
        fee, calls, months = chance.uniform(5, 60), chance.randint(0, 8), chance.randint(1, 48)
        leaves = fee / 30 + calls / 4 - months / 24 + chance.gauss(0, 0.4) > 1.2
        table.append((f"{fee:.2f}", calls, months, int(leaves)))
    return _csv(("fee", "calls", "months", "churned"), table)


def shells(rows: int = 120) -> str:
    """Shells with a sex and measures that grow with the number of rings, as CSV without a header."""
    chance = random.Random(9)
    table = []
    for _ in range(rows):
        rings = chance.randint(3, 20)
        length = 0.15 + 0.025 * rings + chance.gauss(0, 0.02)
        weight = 0.05 * rings + chance.gauss(0, 0.05)
        sex = "I" if rings < 8 else chance.choice("MF")
        table.append((sex, f"{length:.3f}", f"{weight:.4f}", rings))
    return _csv(None, table)


def _csv(header: tuple[str, ...] | None, rows: list[tuple]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
