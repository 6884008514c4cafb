"""The run of a search: which fold of which trial comes next, and what is done with what was found."""

import math
from collections.abc import Callable
from typing import Literal

from tabular.learning.fitting import rounds_of
from tabular.learning.rounds import best_rounds, numbers_of_rounds
from tabular.searching.proposals.proposals import Proposals
from tabular.searching.running.budget import Budget
from tabular.searching.running.checkpoint import Checkpoint, not_kept
from tabular.searching.running.hopeless import why_hopeless
from tabular.searching.running.prepared import Fitted, Prepared
from tabular.searching.running.workers import Done, Task, Workers
from tabular.searching.trials import Configuration, State, Trial
from tabular.spec.search import PROGRESS, Plan

__all__ = ["Run"]

SECONDS_BETWEEN = 1.0  # of two lines that sum up the search so far
SKIPPED = 20  # configurations in a row that would not end in time, after which none is begun any more


class Run:
    """All trials of a plan, given to workers fold by fold.

    Args:
        plan: how many trials.
        prepared: the folds.
        proposals: what to try.
        workers: who fits.
        checkpoint: keeps the trials that have ended.
        lag: how many numbers before a trial those are that it is proposed and judged by, at least.
        pruning: whether hopeless trials are stopped.
        say: is given a line for each trial that ends, and lines that sum up the search so far.
        budget: the seconds of the search and of what comes after it.
        width: how many folds are fitted side by side.
    """

    def __init__(
        self,
        plan: Plan,
        prepared: Prepared,
        proposals: Proposals,
        workers: Workers,
        checkpoint: Checkpoint | None,
        lag: int,
        pruning: bool,
        say: Callable[[str], None] | None,
        budget: Budget,
        width: int,
    ) -> None:
        self.plan, self.prepared, self.proposals, self.workers = plan, prepared, proposals, workers
        self.checkpoint, self.lag, self.pruning, self.say = checkpoint, lag, pruning, say
        self.budget, self.width = budget, width
        self.trials: list[Trial] = []
        self.stopped: Literal["trials", "time"] = "trials"
        self._given: dict[int, int] = {}  # of each trial that has not ended: the folds that have begun
        self._fitted: dict[int, dict[int, Fitted]] = {}  # and those that have ended
        self._exhausted = False
        self._keeps = True
        self._said = -SECONDS_BETWEEN
        self._best: Trial | None = None

    def run(self) -> None:
        """Go on until all trials have ended or the time is over."""
        while True:
            while self.workers.idle and (task := self._next_task()) is not None:
                self.workers.start(task)
            if not self._given:
                return
            left = self._seconds_left()
            done = self.workers.next_done(None if math.isinf(left) else left)
            if done is not None:
                self._accept(done)
            if self._seconds_left() == 0 and not self._has_ended():
                self._time_is_over()
                return

    def _seconds_left(self) -> float:
        """Until the time for trials is over; infinite without a limit, or as long as no trial is complete."""
        if not self.budget.seconds or self._best is None:
            return math.inf
        return self.budget.left([one for one in self.trials if one.state == "complete"])

    def _seconds_needed(self, number: int, algorithm: str, folds: int) -> float:
        """A forecast for so many folds of a trial, from the folds of its algorithm; 0 if there are none."""
        alike = [one for one in self.trials if one.configuration.algorithm == algorithm]
        fitted = sum(len(self._fitted.get(one.number, one.scores)) for one in alike)
        if not fitted:
            return 0.0
        together = 1 if self._is_judged(number) else self.width
        return sum(one.seconds for one in alike) / fitted * math.ceil(folds / together)

    def _has_ended(self) -> bool:
        return not self._given and (self._exhausted or len(self.trials) == self.plan.trials)

    def _next_task(self) -> Task | None:
        """The next fold of the first trial that has one to begin, or the first of a new trial."""
        folds = len(self.prepared.folds)
        for number, given in self._given.items():
            if given < folds and (not self._is_judged(number) or given == len(self._fitted[number])):
                self._given[number] += 1
                return Task(number, self.trials[number].configuration, given)
        return self._next_task() if self._propose() else None

    def _is_judged(self, number: int) -> bool:
        return self.pruning and number >= self.lag

    def _propose(self) -> bool:
        """Begin the next trial; False if there is none, or if those before it have not ended yet."""
        while not self._exhausted and len(self.trials) < self.plan.trials:
            number = len(self.trials)
            last = number - self.lag  # the last of those that it is proposed by
            if any(waiting <= last for waiting in self._given):
                return False
            if last >= 0:
                self.proposals.tell(self.trials[last])
            configuration = self._next_configuration(number)
            if configuration is None:
                self._exhausted = True
                return False
            known = self.checkpoint.load(number, configuration) if self.checkpoint else None
            self.trials.append(known or Trial(number, configuration))
            if known is None:
                self._given[number], self._fitted[number] = 0, {}
                return True
            self._note(known, "from the checkpoint")
        return False

    def _next_configuration(self, number: int) -> Configuration | None:
        """The next one that can be tried in the time that is left; None if there is none."""
        for _ in range(SKIPPED):
            found = self.proposals.ask()
            folds = len(self.prepared.folds)
            if found is None or self._seconds_needed(number, found.algorithm, folds) <= self._seconds_left():
                return found
            self.proposals.skip()
        self.stopped = "time"
        return None

    def _accept(self, done: Done) -> None:
        number = done.task.trial
        if number not in self._given:  # another fold of it has failed
            return
        trial = self.trials[number]
        trial.seconds += done.seconds
        if done.fitted is None:
            self._end(trial, "failed", f"fold {done.task.fold + 1}: {done.reason}")
            return
        if strange := [one.score for one in done.fitted.scores if not math.isfinite(one.score)]:
            what = f"its {self.plan.scorer} is {strange[0]}, which cannot be compared"
            self._end(trial, "failed", f"fold {done.task.fold + 1}: {what}")
            return
        fitted = self._fitted[number]
        fitted[done.task.fold] = done.fitted
        missing = len(self.prepared.folds) - len(fitted)
        complete = not missing
        if self._seconds_needed(number, trial.configuration.algorithm, missing) > self._seconds_left():
            self.stopped = "time"
            self._end(trial, "pruned", "it would not have ended in time")
            return
        if not complete and not self._is_judged(number):
            return
        self._look(trial, [fitted[fold] for fold in range(len(fitted))])
        if complete:
            self._end(trial, "complete", None)
        elif (why := self._hopeless(trial)) is not None:
            self._end(trial, "pruned", why)

    def _look(self, trial: Trial, fitted: list[Fitted]) -> None:
        """Score a trial on the folds that have ended, after the number of rounds that is best for them."""
        kind = rounds_of(trial.configuration.algorithm, self.prepared.schema)
        place = 0
        if kind is None:
            trial.scores = [one.scores[0].score for one in fitted]
        else:
            trial.rounds, trial.scores = best_rounds([one.scores for one in fitted], kind)
            place = numbers_of_rounds(kind.most).index(trial.rounds)
        trial.answers = [one.answers[place] for one in fitted]

    def _hopeless(self, trial: Trial) -> str | None:
        return why_hopeless(
            trial.scores,
            trial.answers,
            self.trials[: trial.number - self.lag + 1],
            self.prepared.targets,
            self.prepared.scoring,
            self.plan.may_combine,
        )

    def _end(self, trial: Trial, state: State, reason: str | None) -> None:
        del self._given[trial.number], self._fitted[trial.number]
        trial.state, trial.reason = state, reason
        if state != "complete":
            trial.answers = []
        self._keep(trial)
        self._note(trial)

    def _keep(self, trial: Trial) -> None:
        if self.checkpoint is None or not self._keeps:
            return
        try:
            self.checkpoint.save(trial, self.budget.elapsed)
        except OSError as error:
            self._keeps = False
            if self.say is not None:
                self.say(not_kept(error))

    def _note(self, trial: Trial, where: str = "") -> None:
        score = trial.score
        if score is not None and (self._best is None or score > self._best.score):
            self._best = trial
        if self.say is None:
            return
        ended, of = len(self.trials) - len(self._given), self.plan.trials
        elapsed = self.budget.elapsed
        left = min(elapsed / ended * (of - ended), self._seconds_left())
        forecast = "" if where else f", about {left:.0f} s left"
        how = f"{self.plan.scorer} {score:.6g}" if score is not None else f"{trial.state}: {trial.reason}"
        self.say(
            f"trial {trial.number}, {trial.configuration.algorithm}, {where or trial.configuration.source}: "
            f"{how} ({elapsed:.0f} s{forecast})"
        )
        if ended == of or elapsed - self._said > SECONDS_BETWEEN:
            self._said = elapsed
            self.say(self._progress(ended))

    def _progress(self, ended: int) -> str:
        """What a person who waits wants to know, in one line."""
        parts = [f"{ended} of {self.plan.trials} trials"]
        for state in ("pruned", "failed"):
            if count := sum(one.state == state for one in self.trials):
                parts.append(f"{count} {state}")
        if self._best is not None:
            parts.append(f"best {self._best.score:.6g} by {self._best.configuration.algorithm}")
        return f"{PROGRESS}{', '.join(parts)}"

    def _time_is_over(self) -> None:
        self.stopped = "time"
        for number in sorted(self._given):
            trial = self.trials[number]
            trial.state, trial.reason, trial.answers = "pruned", "the time was over", []
            self._note(trial)
        self._given.clear()
