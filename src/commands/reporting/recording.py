"""The state of a run, kept in its summary.json and its page: every change is written as it happens."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from commands.notebooks import rendering
from commands.reporting import history, notification
from commands.reporting.channels import Channel
from commands.reporting.page import Page
from commands.reporting.room import Room
from commands.reporting.sentences import RESUME, STATUS, ending
from helpers.cost.forecast.estimate import added
from helpers.errors import ExitCode, UserError, full_disk
from helpers.runs import summary
from helpers.runs.forecasts import Expected
from helpers.runs.summary import Notification, Summary

__all__ = ["OutOfTime", "Recording", "verdict"]

STOPPED = "The run ended before its execution had a result, and stopped it."
# Seconds to wait for space for the end of a run, and between two attempts.
PATIENCE, PAUSE = 10.0, 0.5
OUTCOME = ("outcome", "said", "advice", "version")
DECISION = ("awaits_decision", "decision")


class OutOfTime(UserError):
    """The run took longer than somebody allowed."""


class Recording:
    """A context in which a run's summary is kept; at the end it says how the run ended.

    Args:
        folder: the run's folder.
        document: the summary so far.
        channel: to whoever is told how the run ended.
    """

    def __init__(self, folder: Path, document: Summary, channel: Channel | None = None) -> None:
        self.folder, self.document = folder, document
        self._page, self._channel = Page(folder), channel
        self._room = Room(folder, len(document["data_sets"]))
        self._begin = time.monotonic() - document["seconds"]

    def __enter__(self) -> "Recording":
        try:
            self._room.keep()
            self.write()
        except OSError as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        history.link(self.folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            code, self.document["error"] = verdict(self.document), _named(self.document)
        else:
            code, said = ending(error)
            again = f" {self._again}" if isinstance(error, KeyboardInterrupt) else ""
            self.document["error"] = said + again
        self._left()
        if self.document["environment"] == "local":  # where nothing goes on that the run has started
            self._stopped()
        self.document["status"], self.document["exit_code"] = STATUS[code], int(code)
        self.document["seconds"] = round(time.monotonic() - self._begin, 1)
        self.document["ended"] = summary.now()
        self._room.give_back()
        try:
            self._write_end()
        finally:  # a full disk, too, is something to be told
            if self._channel:
                self._tell(self._channel)

    def write(self) -> None:
        """Write the summary as it is now, and the page."""
        self.document["updated"] = summary.now()
        if self.document["status"] == "running":
            self.document["seconds"] = round(time.monotonic() - self._begin, 1)
        summary.write(self.folder / summary.FILE, self.document)
        self._page.write(self.document)

    def _write_end(self) -> None:
        """Write how the run ended; on a full disk, wait a little for what has ended to be gone."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.write()
            except OSError as error:
                if not full_disk(error) or time.monotonic() > end:
                    raise
                time.sleep(PAUSE)

    def _tell(self, channel: Channel) -> None:
        """Tell how the run ended; if that fails, it changes nothing else."""
        told: Notification = {"to": channel.shown, "error": None}
        try:
            notification.tell(channel, self.document)
        except UserError as error:
            told["error"] = str(error)
            print(f"\n{error}", file=sys.stderr)
        self.document["notification"] = told
        self._write_end()

    @contextmanager
    def notebook(self, path: Path) -> Iterator[None]:
        """Keep the state of a notebook that runs in this context, and write its page."""
        state, begin = self.document["notebooks"][path.stem], time.monotonic()
        state.update(status="running", seconds=None, error=None, path=path.name)
        self.write()
        try:
            yield
            state["status"] = "done"
        except (KeyboardInterrupt, OutOfTime):
            state["status"] = "interrupted"
            raise
        except Exception as error:
            state["status"] = "failed"
            state["error"] = ending(error)[1]
            raise
        finally:
            rendering.write(self.folder / path.name, path)
            state["seconds"] = round(time.monotonic() - begin, 1)
            self.write()

    def expect(self, expected: Expected, cap: float | None) -> None:
        """Note what the run is expected to take, and what it may cost."""
        found = expected.outlook
        self.document["cost"].update(
            cap=cap or None,
            forecast=found.aws.facts(),
            forecast_here=found.here.facts() if found.here else None,
            earlier=expected.earlier,
        )
        for key, each in (("forecast", found.aws), ("forecast_here", found.here)):
            for table in each.tables if each else ():
                self.document["data_sets"][table.name][key] = table.facts(each is found.own)  # type: ignore[literal-required]
        self.write()

    def hear(self, content: Mapping[str, Any]) -> None:
        """Note what a notebook said: the id of the executions' run, or facts about a data set of this run.

        Without either, the notebook goes on: then time has passed, and a page that was not written for the
        last facts, because another one had just been written, is written now.
        """
        if "run_id" in content:
            self.document["run_id"] = content["run_id"]
        elif content and content["dataset"] in self.document["data_sets"]:
            self._note(content["dataset"], content["facts"], content.get("unless_known", False))
        elif content:  # it is in service, but not a data set of this run
            return
        self.write()

    @property
    def _again(self) -> str:
        return RESUME.format(run=self.document["run"])

    def _left(self) -> None:
        for state in self.document["data_sets"].values():
            if state["said"] == summary.NOT_YET:
                state["said"] = "This run did nothing about it."

    def _stopped(self) -> None:
        for state in self.document["data_sets"].values():
            if state["outcome"] == "running":
                state.update(outcome="interrupted", said=STOPPED, advice=self._again)

    def _note(self, dataset: str, facts: Mapping[str, Any], unless_known: bool) -> None:
        state = self.document["data_sets"][dataset]
        left_out = state["outcome"] == "not-started" and state["said"] != summary.NOT_YET
        if unless_known and (left_out or state["outcome"] != "not-started"):
            kept = OUTCOME if facts.get("version") == state["version"] else OUTCOME + DECISION
            facts = {name: fact for name, fact in facts.items() if name not in kept}
        state.update({**facts, "links": state["links"] | facts.get("links", {})})  # type: ignore[typeddict-item]
        self._add_up()

    def _add_up(self) -> None:
        """Keep the totals the sums of the data sets."""
        tables, cost = self.document["data_sets"].values(), self.document["cost"]
        if some := [each["billable_seconds"] for each in tables if each["billable_seconds"] is not None]:
            cost["billable_seconds"] = round(sum(some), 1)
        if billed := [each["billed"] for each in tables if each["billed"]]:
            dollars = [each["dollars"] for each in billed if each["dollars"] is not None]
            cost["dollars"] = round(sum(dollars), 4) if len(dollars) == len(billed) else None
            cost["saved_seconds"] = round(sum(each["saved_seconds"] for each in billed), 1)
        for whole, parts in (
            (cost["forecast"], [each["forecast"] for each in tables if each["forecast"]]),
            (cost["forecast_here"], [each["forecast_here"] for each in tables if each["forecast_here"]]),
        ):
            if (
                whole and parts
            ):  # notebook 03 knows more than the runner did, such as the size of a table in S3
                whole.update(added(parts))


def verdict(document: Summary) -> ExitCode:
    """What the outcomes of a run amount to, if nothing ended it early: the worst of them counts."""
    outcomes = {each["outcome"] for each in document["data_sets"].values()}
    if "failed" in outcomes:
        return ExitCode.FAILED
    return ExitCode.REFUSED if "refused" in outcomes else ExitCode.DONE


def _named(document: Summary) -> str | None:
    """Which data sets failed or were refused, in a sentence, if any."""
    total, told = len(document["data_sets"]), []
    for outcome, words in (("failed", "failed"), ("refused", "refused by the quality gate")):
        names = [name for name, each in document["data_sets"].items() if each["outcome"] == outcome]
        if names:
            told.append(f"{len(names)} of {total} data sets {words}: {', '.join(names)}.")
    return " ".join(told) or None
