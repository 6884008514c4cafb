"""What a person says of a table beyond its target: it travels with the raw files as `dataset.json`."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from tabular.spec.errors import BadInput, unknown

__all__ = ["DEFAULTS", "OPTIONS_FILE", "Options"]

OPTIONS_FILE = "dataset.json"
CHOICES = {
    "task": ("auto", "binary", "multiclass", "regression"),
    "outliers": ("none", "iqr"),
    "class_weight": ("none", "balanced"),
    "repeated": ("keep", "drop", "together"),
}
LISTS = ("drop", "categorical", "numeric", "date", "subgroups")
NAMES = ("group", "time")


@dataclass(frozen=True)
class Options:
    """How a table is read, split and learnt from.

    `drop`, `categorical`, `numeric`, `date` and `subgroups` are names of columns; rows of one `group` stay
    together in every split and fold; by `time` the newest rows are held out. Neither of these two is a
    feature. Rows that are `repeated` are kept, dropped, or kept together in every split and fold.

    Raises:
        BadInput: a value of another type, or options that contradict each other.
    """

    task: Literal["auto", "binary", "multiclass", "regression"] = "auto"
    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    subgroups: tuple[str, ...] = ()
    outliers: Literal["none", "iqr"] = "none"
    log_target: bool = False
    class_weight: Literal["none", "balanced"] = "none"
    repeated: Literal["keep", "drop", "together"] = "keep"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if (given := getattr(self, name)) not in allowed:
                raise BadInput(f"The option {name} is {given!r}; allowed are {', '.join(allowed)}.")
        for name in LISTS:
            given = getattr(self, name)
            if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
                raise BadInput(f"The option {name} is {given!r}; it is a list of column names.")
            object.__setattr__(self, name, tuple(dict.fromkeys(given)))
        for name in NAMES:
            if not isinstance(given := getattr(self, name), str | None):
                raise BadInput(f"The option {name} is {given!r}; it is the name of one column.")
        if not isinstance(self.log_target, bool):
            raise BadInput(f"The option log_target is {self.log_target!r}; it is true or false.")
        self._check_together()

    def _check_together(self) -> None:
        kinds = ("drop", "categorical", "numeric", "date")
        for index, one in enumerate(kinds):
            for other in kinds[index + 1 :]:
                if both := set(getattr(self, one)) & set(getattr(self, other)):
                    raise BadInput(f"The column {min(both)!r} is both in {one} and in {other}; choose one.")
        if self.group is not None and self.time is not None:
            raise BadInput("A table is split by group or by time, not by both; give one of the two options.")
        if self.repeated == "together" and self.time is not None:
            raise BadInput("By time, repeated rows are split as the others; give keep or drop for repeated.")
        for name in NAMES:
            if getattr(self, name) in self.drop:
                raise BadInput(
                    f"The {name} column {getattr(self, name)!r} is in drop; it is no feature anyhow."
                )
        if self.log_target and self.task in ("binary", "multiclass"):
            raise BadInput(f"log_target is for a regression, and the task is {self.task}; leave one out.")
        if self.class_weight != "none" and self.task == "regression":
            raise BadInput("class_weight is for classes, and the task is regression; leave one out.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Options":
        """The options of a JSON object; what it does not name keeps its default.

        Raises:
            BadInput: an unknown option, a value of another type, or options that contradict each other.
        """
        if not isinstance(values, Mapping):
            raise BadInput(f"The options are {values!r}; they are an object such as {{'drop': ['id']}}.")
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise unknown("option", name, known)
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The inverse of `from_dict`, as plain JSON values."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    def check_columns(self, columns: Iterable[str], target: str) -> None:
        """Look whether every column that is named is one of the table, and is not the target.

        Raises:
            BadInput: it is not; the sentence names the nearest column.
        """
        columns = list(columns)
        if target not in columns:
            if sum(map(_is_number, columns)) * 2 >= len(columns):
                raise BadInput(
                    f"There is no column {target!r}, and the first line, {', '.join(columns[:5])}, looks "
                    "like a row: the table has no header; write the names of its columns into the first line."
                )
            raise unknown("target column", target, columns)
        for option in (*LISTS, *NAMES):
            given = getattr(self, option)
            for name in given if option in LISTS else filter(None, [given]):
                if name not in columns:
                    raise unknown(f"column in {option}", name, columns)
                if name == target:
                    raise BadInput(f"The target {target!r} is in {option}; it can only be the target.")


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


DEFAULTS = Options()
