"""The user's settings for a table besides its target, stored as `dataset.json` next to the raw files."""

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
    """How a table is read, split and used for training.

    `drop`, `categorical`, `numeric`, `date` and `subgroups` are names of columns. Rows of one `group` stay
    together in every split and fold. With `time`, the newest rows are held out. Neither the group column nor
    the time column is a feature. `repeated` says whether duplicate rows are kept, dropped, or kept together
    in every split and fold.

    Raises:
        BadInput: if a value has another type, or options contradict each other.
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
                raise BadInput(f"The option {name} is {given!r}; it must be one of {', '.join(allowed)}.")
        for name in LISTS:
            given = getattr(self, name)
            if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
                raise BadInput(f"The option {name} is {given!r}; it must be a list of column names.")
            object.__setattr__(self, name, tuple(dict.fromkeys(given)))
        for name in NAMES:
            if not isinstance(given := getattr(self, name), str | None):
                raise BadInput(f"The option {name} is {given!r}; it must be the name of one column.")
        if not isinstance(self.log_target, bool):
            raise BadInput(f"The option log_target is {self.log_target!r}; it must be true or false.")
        self._check_together()

    def _check_together(self) -> None:
        kinds = ("drop", "categorical", "numeric", "date")
        for index, one in enumerate(kinds):
            for other in kinds[index + 1 :]:
                if both := set(getattr(self, one)) & set(getattr(self, other)):
                    raise BadInput(f"The column {min(both)!r} is both in {one} and in {other}; choose one.")
        if self.group is not None and self.time is not None:
            raise BadInput("A table is split by group or by time, not by both; give only one of the options.")
        if self.repeated == "together" and self.time is not None:
            raise BadInput(
                "A split by time cannot keep duplicate rows together; set repeated to keep or drop, or leave "
                "time out."
            )
        for name in NAMES:
            if getattr(self, name) in self.drop:
                raise BadInput(
                    f"The {name} column {getattr(self, name)!r} is in drop; remove it there, as it is never "
                    "a feature."
                )
        if self.log_target and self.task in ("binary", "multiclass"):
            raise BadInput(f"log_target is only for regression, and the task is {self.task}; leave one out.")
        if self.class_weight != "none" and self.task == "regression":
            raise BadInput(
                "class_weight is only for classification, and the task is regression; leave one out."
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Options":
        """The options in a JSON object, with defaults for those that it does not name.

        Raises:
            BadInput: if an option is unknown, a value has another type, or options contradict each other.
        """
        if not isinstance(values, Mapping):
            raise BadInput(f"The options are {values!r}; they must be an object such as {{'drop': ['id']}}.")
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise unknown("option", name, known)
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The inverse of `from_dict`, as plain JSON values."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    def check_columns(self, columns: Iterable[str], target: str) -> None:
        """Check that every column in the options is a column of the table and not the target.

        Raises:
            BadInput: if one is not; the message suggests the closest column name.
        """
        columns = list(columns)
        if target not in columns:
            if sum(map(_is_number, columns)) * 2 >= len(columns):
                raise BadInput(
                    f"There is no column {target!r}, and the first line, {', '.join(columns[:5])}, looks "
                    "like a row, so the table seems to have no header; write its column names into the first "
                    "line."
                )
            raise unknown("target column", target, columns)
        for option in (*LISTS, *NAMES):
            given = getattr(self, option)
            for name in given if option in LISTS else filter(None, [given]):
                if name not in columns:
                    raise unknown(f"column in {option}", name, columns)
                if name == target:
                    raise BadInput(f"The target {target!r} is in {option}; remove it there.")


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


DEFAULTS = Options()
