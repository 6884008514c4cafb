"""The user's settings for a table besides its target, stored as `dataset.json` next to the raw files."""

import codecs
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal

from tabular.spec.errors import BadInput, unknown

__all__ = ["DEFAULTS", "OPTIONS_FILE", "Options", "encoding_of"]

OPTIONS_FILE = "dataset.json"
CHOICES = {
    "task": ("auto", "binary", "multiclass", "regression"),
    "outliers": ("none", "iqr"),
    "class_weight": ("none", "balanced"),
    "repeated": ("keep", "drop", "together"),
    "decimal": (None, ".", ","),
    "thousands": (None, "", ",", ".", " ", "'"),
}
LISTS = ("drop", "categorical", "numeric", "date", "text", "subgroups", "merge_spellings", "partition")
NAMES = ("group", "time")
BY_COLUMN = ("missing", "date_format")
KINDS = ("drop", "categorical", "numeric", "date", "text")  # a column can be in one of these
OF_TARGETS = ("categorical", "numeric", "merge_spellings")  # that may also name the target
NOT_OF_PARTITIONS = ("drop", "numeric", "date", "text")
# Python's codecs that are not for people's texts, or take very long for a long one.
NO_ENCODINGS = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7")
# `to_dict` leaves these out where they are not given, so that the options of before keep their hash.
NEWER = (
    *("positive", "text", "encoding", "delimiter", "decimal", "thousands"),
    *("skip_rows", "missing", "date_format", "dayfirst", "merge_spellings", "partition"),
)


@dataclass(frozen=True)
class Options:
    """How a table is read, split and used for training.

    `drop`, `categorical`, `numeric`, `date`, `text` and `subgroups` are names of columns. Rows of one `group`
    stay together in every split and fold. With `time`, the newest rows are held out. Neither the group column
    nor the time column is a feature. `repeated` says whether duplicate rows are kept, dropped, or kept
    together in every split and fold. `positive` names the class of two whose precision, recall and curves are
    reported. `partition` names one column or more: each combination of their values may get a model of its
    own.

    The options from `encoding` on say how the files are written; None means that it is detected.
    `skip_rows` counts the lines above the header. `missing` lists the words that mean a missing value, in
    every column or by column. `date_format` is a format of `datetime.strptime`, for every date or by column.
    In the columns `merge_spellings`, texts that differ only in blanks, case or Unicode form are the same.

    Raises:
        BadInput: if a value has another type, or options contradict each other.
    """

    task: Literal["auto", "binary", "multiclass", "regression"] = "auto"
    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    subgroups: tuple[str, ...] = ()
    outliers: Literal["none", "iqr"] = "none"
    log_target: bool = False
    class_weight: Literal["none", "balanced"] = "none"
    repeated: Literal["keep", "drop", "together"] = "keep"
    positive: str | int | float | None = None
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    thousands: Literal["", ",", ".", " ", "'"] | None = None
    skip_rows: int | None = None
    missing: tuple[str, ...] | Mapping[str, tuple[str, ...]] | None = None
    date_format: str | Mapping[str, str] | None = None
    dayfirst: bool | None = None
    merge_spellings: tuple[str, ...] = ()
    partition: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.partition, str):
            object.__setattr__(self, "partition", (self.partition,))
        for name, allowed in CHOICES.items():
            if (given := getattr(self, name)) not in allowed:
                raise BadInput(f"The option {name} is {given!r}; it must be one of {_listed(allowed)}.")
        for name in LISTS:
            given = getattr(self, name)
            if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
                quotes = _quotes(given) if isinstance(given, list | tuple) else ""
                raise BadInput(f"The option {name} is {given!r}; it must be a list of column names{quotes}.")
            if twice := [one for place, one in enumerate(given) if one in given[:place]]:
                raise BadInput(
                    f"The option {name} names the column {twice[0]!r} more than once; name each column once, "
                    "and check whether another one was meant."
                )
            object.__setattr__(self, name, tuple(given))
        for name in NAMES:
            if not isinstance(given := getattr(self, name), str | None):
                quotes = _quotes([given])
                raise BadInput(f"The option {name} is {given!r}; it must be the name of one column{quotes}.")
        for name, allowed in (("log_target", bool), ("dayfirst", bool | None)):
            if not isinstance(given := getattr(self, name), allowed):
                raise BadInput(f"The option {name} is {given!r}; it must be true or false.")
        if not isinstance(self.positive, str | int | float | None):
            raise BadInput(f"The option positive is {self.positive!r}; it must be one of the two classes.")
        self._check_reading()
        self._check_together()
        if isinstance(self.date_format, Mapping):  # whatever has a format of dates is a date
            object.__setattr__(self, "date", tuple(dict.fromkeys((*self.date, *self.date_format))))

    def _check_reading(self) -> None:
        if self.encoding is not None and encoding_of(self.encoding) is None:
            raise BadInput(
                f"The option encoding is {self.encoding!r}; it must be the name of one that Python "
                "knows, such as utf-8, cp1252, cp1250, gbk or shift_jis."
            )
        one = self.delimiter
        if one is not None and (not isinstance(one, str) or len(one) != 1 or one in '"\r\n'):
            raise BadInput(
                f"The option delimiter is {one!r}; it must be one character, such as ';' or \"\\t\" "
                "(a tab, in double quotes)."
            )
        rows = self.skip_rows
        if rows is not None and (isinstance(rows, bool) or not isinstance(rows, int) or rows < 0):
            raise BadInput(
                f"The option skip_rows is {rows!r}; it must be the number of lines above the header, "
                "0 or more."
            )
        if self.missing is not None:
            object.__setattr__(self, "missing", _missing(self.missing))
        for form in (
            self.date_format.values() if isinstance(self.date_format, Mapping) else [self.date_format]
        ):
            if form is not None and not _is_date_format(form):
                raise BadInput(
                    f"The option date_format is {self.date_format!r}; it must be a format with a year, such "
                    "as '%d.%m.%Y' or '%m/%d/%y %H:%M', or one for each column, such as {'born': '%Y%m%d'}."
                )

    def _check_together(self) -> None:
        for index, one in enumerate(KINDS):
            for other in KINDS[index + 1 :]:
                if both := set(getattr(self, one)) & set(getattr(self, other)):
                    raise BadInput(f"The column {min(both)!r} is both in {one} and in {other}; choose one.")
        if isinstance(self.date_format, Mapping):
            for kind in ("drop", "categorical", "numeric", "text", "partition"):
                if both := set(getattr(self, kind)) & set(self.date_format):
                    raise BadInput(
                        f"The column {min(both)!r} is in {kind} and has a date_format; leave one of them out."
                    )
        if isinstance(self.date_format, str) and self.dayfirst is not None:
            raise BadInput("date_format already says whether the day comes first; leave dayfirst out.")
        if self.decimal is not None and self.decimal == self.thousands:
            raise BadInput(
                f"decimal and thousands are both {self.decimal!r}, but they must differ; correct one of them."
            )
        if self.group is not None and self.time is not None:
            raise BadInput("A table is split by group or by time, not by both; give only one of the options.")
        if self.repeated == "together" and self.time is not None:
            raise BadInput(
                "A split by time cannot keep duplicate rows together; set repeated to keep or drop, or leave "
                "time out."
            )
        for name in self.partition:
            if other := [option for option in NOT_OF_PARTITIONS if name in getattr(self, option)]:
                raise BadInput(
                    f"The column {name!r} is in partition and in {other[0]}; remove it from one of them, as "
                    "the values of a partition column are names."
                )
            if other := [option for option in NAMES if name == getattr(self, option)]:
                raise BadInput(
                    f"The column {name!r} is in partition and is the {other[0]} column, by which rows are "
                    "split; remove it from one of them."
                )
        for name in NAMES:
            if getattr(self, name) in self.drop:
                raise BadInput(
                    f"The {name} column {getattr(self, name)!r} is in drop; remove it from drop, as it is "
                    "never a feature."
                )
        if self.log_target and self.task in ("binary", "multiclass"):
            raise BadInput(f"log_target is only for regression, and the task is {self.task}; leave one out.")
        if self.positive is not None and self.task in ("multiclass", "regression"):
            raise BadInput(
                f"positive names a class of two, and the task is {self.task}; leave one of them out."
            )
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
        return {
            name: _plain(value)
            for name, value in asdict(self).items()
            if name not in NEWER or value != getattr(Options, name)
        }

    def missing_in(self, column: str) -> tuple[str, ...] | None:
        """The words that mean a missing value in a column; None if the user does not say."""
        return self.missing.get(column) if isinstance(self.missing, Mapping) else self.missing

    def date_format_of(self, column: str) -> str | None:
        """The format of the dates in a column; None if the user does not say."""
        given = self.date_format
        return given.get(column) if isinstance(given, Mapping) else given

    def check_columns(self, columns: Iterable[str], target: str, left_out: Collection[str] = ()) -> None:
        """Check that every column in the options is a column of the table and not the target.

        Those that are `left_out` without being asked may be named in drop.

        Raises:
            BadInput: if one is not; the message suggests the closest column name.
        """
        columns = list(columns)
        if target not in columns:
            if sum(_is_of_a_row(name, columns) for name in columns) * 3 >= len(columns):
                raise BadInput(
                    f"There is no column {target!r}, and the first line, {', '.join(columns[:5])}, looks "
                    "like a row, so the table seems to have no header; write its column names into the first "
                    "line."
                )
            if len(columns) == 1 and self.delimiter is not None:
                raise BadInput(
                    f"With the delimiter {self.delimiter!r} the table has one column, {columns[0]!r}, and no "
                    f"{target!r}; correct delimiter, or leave it out to have it detected."
                )
            raise unknown("target column", target, columns)
        for option in BY_COLUMN:
            given = getattr(self, option)
            for name in given if isinstance(given, Mapping) else ():
                if name not in columns:
                    raise unknown(f"column in {option}", name, columns)
        for option in (*LISTS, *NAMES):
            given = getattr(self, option)
            for name in given if option in LISTS else filter(None, [given]):
                if option == "drop" and name in left_out:
                    continue
                if name not in columns:
                    raise unknown(f"column in {option}", name, columns)
                if name == target and option not in OF_TARGETS:
                    raise BadInput(f"The target {target!r} is in {option}; remove it from {option}.")
                if name == target and (option, self.task) == ("categorical", "regression"):
                    raise BadInput(
                        f"The target {target!r} is in categorical, but the task is regression; remove one of "
                        "these options."
                    )


def _listed(allowed: Iterable[str | None]) -> str:
    """The values that an option may have, signs in quotes."""
    return ", ".join(one if one.isalpha() else repr(one) for one in allowed if one is not None)


def encoding_of(name: object) -> str | None:
    """Python's name for an encoding of text; None if it is not one, or takes long for a long text."""
    try:
        # Python also has codecs from text to text (rot13) and from bytes to bytes (base64); they fail here.
        known = isinstance(name, str) and isinstance("a".encode(name), bytes)
    except (LookupError, ValueError):
        return None
    found = codecs.lookup(str(name)).name if known else None
    return None if found in NO_ENCODINGS else found


def _quotes(given: Iterable[Any]) -> str:
    """What to do about the first word that is not text, because YAML reads it as something else."""
    word = next((one for one in given if not isinstance(one, str)), None)
    if isinstance(word, bool):
        means = "yes, on and true" if word else "no, off and false"
        return (
            f"; YAML reads {means} as {word}, so put quotes around the word, such as '{means.split(',')[0]}'"
        )
    return f"; put quotes around it, such as '{word}'" if isinstance(word, int | float) else ""


def _missing(given: Any) -> tuple[str, ...] | dict[str, tuple[str, ...]]:
    lists = list(given.values()) if isinstance(given, Mapping) else [given]
    for words in lists:
        for word in words if isinstance(words, list | tuple) else ():
            if not isinstance(word, str):
                raise BadInput(
                    f"The option missing has the word {word!r}, which is not text{_quotes([word])}."
                )
    if not all(isinstance(words, list | tuple) for words in lists):
        raise BadInput(
            f"The option missing is {given!r}; it must be a list of words, such as ['?', '-999'], or one for "
            "each column, such as {'age': ['?']}; [] says that no word means a missing value."
        )
    if isinstance(given, Mapping):
        return {str(name): tuple(words) for name, words in given.items()}
    return tuple(given)


def _is_date_format(form: object) -> bool:
    if not isinstance(form, str):
        return False
    day = datetime(2024, 1, 31)
    try:
        return datetime.strptime(day.strftime(form), form).year == day.year
    except ValueError:
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _is_of_a_row(name: str, columns: list[str]) -> bool:
    """Whether a name of a column is a number, says that there is none, or was told apart from the same."""
    try:
        float(name)
    except ValueError:
        return name == "?" or name.rpartition(".")[0] in columns
    return True


DEFAULTS = Options()
