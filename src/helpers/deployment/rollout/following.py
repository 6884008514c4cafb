"""The wait until the deployer has followed decisions: what it says meanwhile, and when to give up."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from helpers.deployment.rollout import deployer
from helpers.display.progress import Line, Progress
from helpers.errors import Interrupted, JobFailed, UserError, one_line
from helpers.session import Session
from helpers.session.patience import hindrance, patiently

__all__ = ["LIMIT", "Following", "is_under_way", "stages"]

# Seconds to wait for decisions: an update of the endpoint takes 10 minutes, then the schedule asks again
# within 15, and the endpoint loads a model within 6.
LIMIT = 2100.0
POLL_SECONDS = {True: 0.2, False: 5.0}  # for a local session, and for AWS
ASK_SECONDS = {True: 1.0, False: 60.0}  # between two questions to the deployer
SILENCE_SECONDS = 120.0  # after which an event is taken for lost
QUIET_SECONDS = 30.0  # for which a headless run is told nothing while nothing goes wrong
TELL_SECONDS = 60.0  # after which it is told again without news
SHORT_SECONDS = 3.0  # after which a notebook shows for how long it has waited
UPDATE_SECONDS = 600.0  # that an update of the endpoint takes on AWS
MOST = 12  # data sets of which each stage is shown
LOG_SECONDS = 10.0  # for which the last words are waited for
RECENT = timedelta(hours=1)  # after a decision, its stages are looked up in the log
# Lambda tries a failed event again after one minute and after two more, so five without success are enough:
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
FAILING_SECONDS = 300.0
# States that an endpoint does not leave by itself; `missing` is not one of AWS's.
STUCK = ("Deleting", "Failed", "OutOfService", "UpdateRollbackFailed", "missing")
CAUSES = {
    "event": "the deployer hears of it",
    "request": "the deployer is asked to look",
    "schedule": "the sweep finds it",
}
ENDS = {
    "deployed": "version {version} is in service",
    "removed": "nothing is in service",
    "unchanged": "nothing has to change",
}
UNDER_WAY = ("looking", "warming", "checked")
GOES_ON = (
    "The decision is in the registry, and the deployer follows it by itself; run 04 again to wait for it."
)


class Following:
    """A wait for the deployer.

    Args:
        session: where it is.
        decided: the data sets that were decided on, and when.
        open_of: those of some data sets of which what is in service does not follow the decision.
        seconds: how long to wait at most.
    """

    def __init__(
        self,
        session: Session,
        decided: Mapping[str, datetime],
        open_of: Callable[[Sequence[str]], list[str]],
        seconds: float,
    ) -> None:
        self._session, self._decided, self._open_of, self._limit = session, decided, open_of, seconds
        self._left = list(decided)
        self._words: dict[str, deployer.Word] = {}
        self._refused: dict[str, deployer.Word] = {}
        self._begin = self._heard = self._asked = time.monotonic()
        self._failing_since: float | None = None
        self._progress, self._line, self._told, self._tell_again = Progress(), Line(), "", 0.0

    def wait(self) -> dict[str, deployer.Word]:
        """Return when every decision has been followed, or never will be: the deployer's word on those.

        Raises:
            JobFailed: the deployer did not follow in time; or the endpoint will not come into service by
                itself.
            Interrupted: somebody interrupted this.
            UserError: AWS cannot be called.
        """
        try:
            while self._find_left():
                self._listen()
                self._set_aside()
                endpoint = self._endpoint() if self._those("postponed") else ""
                self._tell(endpoint)
                self._give_up()
                self._ask(endpoint)
                time.sleep(POLL_SECONDS[self._session.is_local])
            self._look_back()
        except KeyboardInterrupt:
            raise Interrupted(f"Interrupted. {GOES_ON}") from None
        except (BotoCoreError, ClientError) as error:
            why = hindrance(error) or f"AWS refused: {one_line(error)}"
            raise UserError(f"{why}. {GOES_ON}") from None
        return self._refused

    def _find_left(self) -> list[str]:
        self._left = patiently(self._session, lambda: self._open_of(self._left))
        return self._left

    def _listen(self) -> None:
        heard, now = self._show(self._left), time.monotonic()
        words = {dataset: _conclusion(said) for dataset, said in heard.items()}
        if words != self._words:
            self._words, self._heard = words, now
        if not self._those("failed"):
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = now

    def _show(self, datasets: Sequence[str]) -> dict[str, list[deployer.Word]]:
        """Show how far the deployer is with some data sets, and return what it said about them."""
        since = {dataset: self._decided[dataset] for dataset in datasets}
        heard = patiently(self._session, lambda: deployer.heard(self._session, since))
        if len(self._decided) <= MOST:
            for dataset in datasets:
                self._progress.update(dataset, stages(since[dataset], heard.get(dataset, [])))
        return heard

    def _look_back(self) -> None:
        """Show the last stages: what serves has followed a moment before the deployer's log says so."""
        now, deadline = datetime.now(UTC), time.monotonic() + LOG_SECONDS
        recent = [dataset for dataset, at in self._decided.items() if now - at < RECENT]
        while len(recent) <= MOST and time.monotonic() < deadline:
            heard = self._show(recent)
            recent = [dataset for dataset, said in heard.items() if is_under_way(said)]
            if not recent:
                break
            time.sleep(POLL_SECONDS[self._session.is_local])

    def _set_aside(self) -> None:
        """Wait no longer for what the deployer will never serve."""
        for dataset in self._those("failed"):
            if self._words[dataset].final:
                self._refused[dataset] = self._words[dataset]
                self._left.remove(dataset)

    def _those(self, action: str) -> list[str]:
        """The data sets about which the deployer's last word is this."""
        return [it for it in self._left if it in self._words and self._words[it].action == action]

    def _endpoint(self) -> str:
        """The status of the endpoints that are waited for, of the first that is not in service.

        Raises:
            JobFailed: one of them will not come into service by itself.
        """
        seen = "InService"
        for name in dict.fromkeys(self._session.endpoint_of(it) for it in self._those("postponed")):
            status, reason = patiently(self._session, lambda name=name: _status(self._session, name))
            if status in STUCK:
                raise JobFailed(
                    f"The endpoint {name} is {status}{f': {reason}' if reason else ''}. "
                    "The decision is in the registry; once the endpoint is in service, the deployer follows "
                    "within 15 minutes. `many-models preflight` says what to do."
                )
            seen = status if seen == "InService" else seen
        return seen

    def _tell(self, endpoint: str) -> None:
        """Show for how long this waits, for what and how long it may take; a headless run is told news."""
        elapsed = time.monotonic() - self._begin
        if elapsed < SHORT_SECONDS and not self._those("postponed") and not self._those("failed"):
            return
        news = self._said() + (f"; the endpoint is {endpoint}" if endpoint else "")
        quiet = elapsed < QUIET_SECONDS and not self._those("postponed") and not self._those("failed")
        tell = not quiet and (news != self._told or elapsed >= self._tell_again)
        if tell:
            self._told, self._tell_again = news, elapsed + TELL_SECONDS
        self._line.update(
            f"Waiting for the deployer for {elapsed:.0f} s of at most {self._limit:.0f}"
            f"{self._estimate(elapsed)}; its last word: {news}.",
            told=tell,
        )

    def _estimate(self, elapsed: float) -> str:
        """How much longer it may take, if that can be told: by what is done, or by what an update takes."""
        left, done = len(self._left), len(self._decided) - len(self._left)
        if done:
            return f", {done} of {done + left} done, about {elapsed / done * left:.0f} s left"
        if self._those("postponed") and not self._session.is_local and elapsed < UPDATE_SECONDS:
            return f", about {(UPDATE_SECONDS - elapsed) / 60:.0f} min left if the endpoint is being updated"
        return ""

    def _said(self) -> str:
        return "; ".join(f"{it} {self._words.get(it, 'not heard of yet')}" for it in self._left)

    def _give_up(self) -> None:
        now = time.monotonic()
        failing = self._failing_since is not None and now - self._failing_since > FAILING_SECONDS
        if failing or now - self._begin > self._limit:
            raise JobFailed(
                f"{', '.join(sorted(self._left))}: what is in service has not followed the decision in "
                f"{now - self._begin:.0f} seconds; the deployer's last word: {self._said()}. See the log of "
                f"the function {self._session.deployer_function_name} and fix what it names; the deployer "
                "tries again every 15 minutes."
            )

    def _ask(self, endpoint: str) -> None:
        """Ask the deployer again, which is safe at any time, if waiting longer would not help."""
        now = time.monotonic()
        again = endpoint == "InService" or now - self._heard > SILENCE_SECONDS
        if again and now - self._asked >= ASK_SECONDS[self._session.is_local]:
            self._asked = now
            patiently(self._session, lambda: deployer.ask(self._session, list(self._left)))


def stages(decided: datetime, said: Sequence[deployer.Word]) -> list[tuple[str, str, str]]:
    """How far a decision has come on its way into service: each stage, its status and a detail.

    Args:
        decided: when the decision was made.
        said: the deployer's words on the data set since then, oldest first.
    """
    last = {word.action: word for word in said}
    rows = [("decision", "", f"{decided.astimezone():%H:%M:%S}, in the registry")]
    if not said:
        return [*rows, ("event", "", "on its way to the deployer")]

    def after(word: deployer.Word) -> str:
        return f"after {max(0.0, (word.at - decided).total_seconds()):.1f} s"

    first = said[0]
    rows.append(("event", "", f"{CAUSES.get(first.cause, 'the deployer looks')} {after(first)}"))
    if "warming" in last:
        rows.append(("load", "", f"version {last['warming'].version} {after(last['warming'])}"))
    if "checked" in last:
        checked = last["checked"]
        rows.append(("check", "", f"{checked.rows} sample rows are answered as expected {after(checked)}"))
    word = said[-1]
    if word.action == "unchanged":  # by another event, such as that of a version rejected along with it
        word = next((one for one in reversed(said) if one.action in ("deployed", "removed")), word)
    if word.action in ENDS:
        done = ENDS[word.action].format(version=word.version)
        rows.append(("switch", "", f"{done} {after(word)}"))
    elif word.action in ("postponed", "failed"):
        rows.append(("switch", "", f"{word.action} {after(word)}"))
    return rows


def is_under_way(said: Sequence[deployer.Word]) -> bool:
    """Whether one of the deployer's looks at a data set has not ended; events at once make several looks."""
    began = sum(word.action == "looking" for word in said)
    ended = sum(word.action not in UNDER_WAY for word in said)
    return began > ended or said[-1].action in UNDER_WAY


def _conclusion(said: Sequence[deployer.Word]) -> deployer.Word:
    """The last word; while the deployer looks again, what it came to before."""
    return next((word for word in reversed(said) if word.action not in UNDER_WAY), said[-1])


def _status(session: Session, endpoint: str) -> tuple[str, str]:
    """An endpoint's status and, if it failed, why."""
    sagemaker = session.client("sagemaker")
    try:
        described = sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return "missing", ""
    return described["EndpointStatus"], described.get("FailureReason", "")
