"""The parameters of the notebooks and parameter files: their types and allowed values, in one table.

A value may also be text that says it: the command line, papermill's `-r` and Studio's notebook jobs have
nothing but text.
"""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tabular.spec.metrics import METRICS, SCORERS
from tabular.spec.search import MOST_SECONDS, SEARCH_JOB_SECONDS

from contract.endpoints import MOST
from contract.names import NAME, RESERVED, is_pipeline_name
from helpers import display
from helpers.errors import BadInput, Mistakes, one_line
from helpers.parameters import strict_yaml

__all__ = ["BUILDERS", "OF_THE_RUN", "PARAMETERS", "check", "parse", "read", "readable"]

BUILDERS = ("auto", "docker", "codebuild", "none")  # who builds the image


@dataclass(frozen=True)
class Parameter:
    """One parameter: what it must be, in words and as a test, and what a text says if it is not just text.

    `wrong_within` are sentences about the parts of a value that is accepted.
    """

    allowed: str
    accepts: Callable[[Any], bool]
    said_by: Callable[[str], Any] = str
    wrong_within: Callable[[Any], Sequence[str]] = lambda value: ()


def _text() -> Parameter:
    return Parameter("text", lambda value: isinstance(value, str))


def _flag() -> Parameter:
    return Parameter("true or false", lambda value: isinstance(value, bool), strict_yaml.load)


def _one_of(*values: str) -> Parameter:
    return Parameter(f"one of {', '.join(values)}", lambda value: isinstance(value, str) and value in values)


def _whole(low: int, high: int) -> Parameter:
    return Parameter(
        f"a whole number from {low} to {high}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
        int,
    )


def _cap() -> Parameter:
    dollars = _real(0, 1e9)
    return Parameter(
        "0 or null for no cap, or a number of dollars",
        lambda value: value is None or dollars.accepts(value),
        # An empty text may be a variable that is not set, which must not lift a cap.
        lambda text: strict_yaml.load(text) if text.strip() else text,
    )


def _rows(low: int, high: int) -> Parameter:
    some = _whole(low, high)
    return Parameter(
        f"0 for all rows, or {some.allowed}",
        lambda value: some.accepts(value) or (value == 0 and type(value) is int),
        int,
    )


def _seconds() -> Parameter:
    some = _whole(1, MOST_SECONDS)
    return Parameter(
        f"0 for no limit but the job's {SEARCH_JOB_SECONDS} seconds, or a whole number of seconds up to "
        f"{MOST_SECONDS}, so that what overruns can still end",
        lambda value: some.accepts(value) or (value == 0 and type(value) is int),
        int,
    )


def _real(low: float, high: float) -> Parameter:
    return Parameter(
        f"a number from {low} to {high}",
        lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high,
        float,
    )


def _tables() -> Parameter:
    return Parameter(
        "a list of data sets, each a name or {name: ..., uri: ..., target: ...}",
        lambda value: isinstance(value, list | tuple),
        strict_yaml.load,
        _wrong_tables,
    )


def _wrong_tables(entries: Sequence[Any]) -> list[str]:
    """What is wrong with entries of DATASETS that are not read; helpers.data.entries checks the others."""
    if not entries:
        return ["DATASETS is an empty list; name at least one data set, such as [wine]."]
    said = [_wrong_table(entry) for entry in entries]
    return [f"Entry {place} of DATASETS {why}" for place, why in enumerate(said, 1) if why]


def _wrong_table(entry: Any) -> str:
    """Why an entry of DATASETS is not read, as the rest of a sentence; empty if it is."""
    form = "{name: ..., uri: ..., target: ...}"
    if isinstance(entry, str):
        return ""
    if not isinstance(entry, Mapping):
        shown = "empty" if entry is None else _shown(entry)
        return f"is {shown}; it must be a name or {form}."
    if entry.get("name") is None:
        return f"is {_shown(entry)}, which has no name; give it one, as in {form}."
    if not isinstance(name := entry["name"], str):
        hint = "" if isinstance(name, Mapping | list | tuple) else ", so put quotes around it"
        return f"has the name {_shown(name)}; it must be text{hint}."
    return ""


_WORDS = "32 lower-case letters, digits and single hyphens between them, such as many-models"


def _pipeline_name() -> Parameter:
    """The beginning of the names of AWS resources."""
    words = f"2 to {_WORDS}, and not begin with {', '.join(RESERVED[:-1])} or {RESERVED[-1]}"
    return Parameter(words, lambda value: isinstance(value, str) and is_pipeline_name(value))


def _name(also: Sequence[str] = (), never: Sequence[str] = ()) -> Parameter:
    """A part of the names of AWS resources."""
    words = f"up to {_WORDS}"
    words += "".join(f", or {value!r}" for value in also) + "".join(f", but not {value!r}" for value in never)
    return Parameter(
        words,
        lambda value: (
            isinstance(value, str)
            and (value in also or (len(value) <= 32 and bool(NAME.fullmatch(value)) and value not in never))
        ),
    )


def _run_id() -> Parameter:
    """A part of the names of executions, which have room for it beside the data set's name."""
    return Parameter(
        "empty, new, or a run's id: up to 20 lower-case letters, digits and single hyphens between them",
        lambda value: (
            isinstance(value, str) and (not value or (len(value) <= 20 and bool(NAME.fullmatch(value))))
        ),
    )


def _instance() -> Parameter:
    return Parameter(
        "an instance type such as ml.m5.large",
        lambda value: isinstance(value, str) and value.startswith("ml.") and value.count(".") == 2,
    )


def _mapping_or(allowed: str, words: Sequence[str], accepts: Callable[[Any], bool]) -> Parameter:
    """One of some words for all data sets, or a mapping from data sets to values of their own."""
    return Parameter(
        allowed,
        lambda value: (
            (isinstance(value, str) and value in words)
            or (
                isinstance(value, Mapping)
                and all(isinstance(name, str) and accepts(found) for name, found in value.items())
            )
        ),
        lambda text: strict_yaml.load(text) if text.lstrip().startswith("{") else text,
    )


def _decisions() -> Parameter:
    words = ("none", "approve", "reject")
    allowed = (
        f"one of {', '.join(words)}, or of these for each data set or each of its versions: "
        "{wine: {3: approve, 2: reject}, default: none}"
    )

    def accepts(asked: object) -> bool:
        if isinstance(asked, Mapping):
            # JSON, in which papermill passes parameters on, has no other keys than text.
            return all(
                (_is_version(number) or (isinstance(number, str) and number.isdecimal()))
                and accepts_word(word)
                for number, word in asked.items()
            )
        return accepts_word(asked)

    def accepts_word(word: object) -> bool:
        return isinstance(word, str) and word in words

    return _mapping_or(allowed, words, accepts)


def _is_version(number: object) -> bool:
    return type(number) is int and number > 0


def _versions() -> Parameter:
    return _mapping_or(
        "empty, latest, or a version for each data set to decide on: {wine: 3, churn: latest}",
        ("", "latest"),
        lambda version: version == "latest" or _is_version(version),
    )


PARAMETERS: Mapping[str, Parameter] = {
    "ENVIRONMENT": _one_of("local", "aws"),
    "PIPELINE_NAME": _pipeline_name(),
    "TERRAFORM_OUTPUTS": _text(),
    "IMAGE_BUILDER": _one_of(*BUILDERS),
    # A developer's name follows a hyphen in the pipeline's name, as `regression` does for that family.
    "DEVELOPER": _name(also=[""], never=["regression"]),
    "DATASETS": _tables(),
    "TEST_SET_SIZE": _real(0.05, 0.5),
    "STRATIFY_SPLIT": _flag(),
    "RANDOM_STATE": _whole(1, 2**31 - 1),
    "CROSS_VALIDATION_SCORER": _one_of(*dict.fromkeys([*SCORERS["binary"], *SCORERS["multiclass"]])),
    "CROSS_VALIDATION_FOLDS": _whole(2, 20),
    "SEARCH": _one_of("jobs", "packed"),
    "SEARCH_SECONDS": _seconds(),
    "ENSEMBLE": _flag(),
    "FLEET_INSTANCES": _whole(1, 100),
    "SEARCH_ROWS": _rows(1000, 2**31 - 1),
    "MAX_TUNING_JOBS": _whole(1, 750),
    "MAX_TUNING_PARALLEL_JOBS": _whole(1, 100),
    "MAX_PARALLEL_EXECUTIONS": _whole(1, 10_000),
    "RUN_ID": _run_id(),
    "METRIC_FOR_REGISTRATION": _one_of(*dict.fromkeys([*METRICS["binary"], *METRICS["multiclass"]])),
    "MIN_METRIC_FOR_REGISTRATION": _real(-1e12, 1e12),
    "REGRESSION_SCORER": _one_of(*SCORERS["regression"]),
    "REGRESSION_METRIC": _one_of(*METRICS["regression"]),
    "REGRESSION_MIN_METRIC": _real(-1e12, 1e12),
    "CHAMPION_MARGIN": _real(0, 1),
    "CHAMPION_CONFIDENCE": _real(0.5, 0.999),
    "PREPROCESSING_INSTANCE": _instance(),
    "TRAINING_INSTANCE": _instance(),
    "EVALUATION_INSTANCE": _instance(),
    "USE_SPOT": _flag(),
    "MAX_COST_USD": _cap(),
    "PRICES": _text(),
    "DEFINITION_FILE": _text(),
    "STEPS": _text(),
    "APPROVE": _decisions(),
    "VERSIONS": _versions(),
    "ROLL_BACK": _text(),
    "ENDPOINTS": _whole(0, MOST),
    "LOAD_TEST": _flag(),
    "LOAD_TEST_SECONDS": _whole(1, 300),
    "LOAD_TEST_CLIENTS": _whole(1, 64),
    "NOTIFY": _text(),
}
# The parameters of `many-models run` itself, which no notebook has, with their defaults.
OF_THE_RUN: Mapping[str, Any] = {"NOTIFY": ""}


def read(path: Path) -> dict[str, Any]:
    """The values in a parameter file.

    Raises:
        BadInput: the file does not exist, is not a YAML mapping, or repeats a key.
    """
    try:
        values = strict_yaml.load(path.read_text())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else one_line(error)
        raise BadInput(
            f"The parameter file {path} cannot be read ({why}); give a YAML file such as "
            "parameters/local.yaml."
        ) from None
    if not isinstance(values, dict):
        raise BadInput(f"The parameter file {path} has no `NAME: value` lines; see parameters/local.yaml.")
    return values


def parse(values: Mapping[str, Any], known: Iterable[str] = ()) -> dict[str, Any]:
    """The values with their types, also those that are given as text: `"12"`, `"false"`, `"[wine]"`.

    Args:
        values: by name.
        known: the parameters of the notebooks that run; all if empty.

    Raises:
        BadInput: unknown names, or values that are not allowed; says of each, on a line of its own, what was
            seen and what is allowed.
    """
    known = sorted(known) or sorted(PARAMETERS)
    parsed, mistakes = {}, Mistakes()
    for name, value in values.items():
        with mistakes.noted():
            parsed[name] = _parsed(_known(name, known), value)
    mistakes.check()
    return parsed


def readable(tables: Any) -> list[Any]:
    """The entries in a value of DATASETS that can be read, so that their mistakes are said, too.

    A name that lacks its quotes is read as if it had them.
    """
    try:
        found = strict_yaml.load(tables) if isinstance(tables, str) else tables
    except strict_yaml.NotYaml:
        return []
    entries = found if isinstance(found, list | tuple) else []
    quoted = [
        {**entry, "name": str(entry["name"])}
        if isinstance(entry, Mapping) and NAME.fullmatch(str(entry.get("name", "")))
        else entry
        for entry in entries
    ]
    return [entry for entry in quoted if not _wrong_table(entry)]


def check(notebook: MutableMapping[str, Any]) -> None:
    """Check the parameters of a notebook, given its `globals()`, and replace text by what it says.

    papermill sets what it is given, whatever its name, so a name that nearly is a parameter is refused. Every
    notebook begins with it, so it also switches on how tables are shown.

    Raises:
        BadInput: a value that is not allowed, or a name in capitals that is nearly a parameter's.
    """
    display.switch_on()
    capitals = [name for name in notebook if name.isupper()]
    notebook.update(parse({name: notebook[name] for name in capitals if _nearest(name, PARAMETERS, 0.85)}))


def _nearest(name: str, known: Iterable[str], similarity: float = 0.6) -> str:
    """The known name that was meant, in whatever case; empty if none is that similar, from 0 to 1."""
    return next(iter(get_close_matches(name.upper(), known, n=1, cutoff=similarity)), "")


def _known(name: str, known: Sequence[str]) -> str:
    if name in known:
        return name
    nearest = _nearest(str(name), known)
    hint = f"did you mean {nearest}?" if nearest else f"known are {', '.join(known)}."
    raise BadInput(f"Unknown parameter {name!r}: {hint}")


def _parsed(name: str, value: Any) -> Any:
    parameter = PARAMETERS[name]
    try:
        parsed = parameter.said_by(value) if isinstance(value, str) else value
    except strict_yaml.NotYaml as error:
        raise BadInput(
            f"{name} is {_shown(value)}, which is not valid YAML ({error}); put quotes around text that "
            "contains any of []{}:,#."
        ) from None
    except ValueError:
        parsed = value  # not a number
    if not parameter.accepts(parsed):
        raise BadInput(f"{name} is {_shown(parsed)}; it must be {parameter.allowed}.")
    if wrong := parameter.wrong_within(parsed):
        raise BadInput("\n".join(wrong))
    return parsed


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
