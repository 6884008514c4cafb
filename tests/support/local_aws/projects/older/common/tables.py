"""Reads tables, and scores predictions."""

import csv
from pathlib import Path


def read(folder: str, label: str) -> tuple[list[list[float]], list[int]]:
    """The features and the labels of all CSV files in a folder."""
    rows, labels = [], []
    for path in sorted(Path(folder).glob("*.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                labels.append(int(row.pop(label)))
                rows.append([float(value) for value in row.values()])
    return rows, labels


def auc(scores: list[float], labels: list[int]) -> float:
    """The share of pairs of a positive and a negative row that are in the right order."""
    positive = [score for score, label in zip(scores, labels, strict=True) if label]
    negative = [score for score, label in zip(scores, labels, strict=True) if not label]
    right = sum((high > low) + 0.5 * (high == low) for high in positive for low in negative)
    return right / (len(positive) * len(negative))
