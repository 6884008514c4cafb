"""Runs one pipeline execution: steps side by side as far as their dependencies allow."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from local_aws.core.concurrency import together
from local_aws.core.errors import AwsError
from local_aws.core.faults import fault, is_disk_full, log_exception
from local_aws.core.store import Document, Store
from local_aws.services.pipelines.definitions import Node, nodes
from local_aws.services.pipelines.expressions import Scope, UnresolvedError
from local_aws.services.pipelines.retries import SERVICE_FAULT, pause_before_retry
from local_aws.services.pipelines.steps import StepFailed, StepRun, StepType

__all__ = ["Execution"]

_STEP_REASON_LENGTH = 1024
_EXECUTION_REASON_LENGTH = 1300
_DEFAULT_PARALLEL_STEPS = 50


class Execution:
    """One running execution.

    If it is a retry, steps that have already succeeded stay as they are, and the others run again.
    """

    def __init__(
        self,
        store: Store,
        step_types: Mapping[str, StepType],
        document: Document,
        definition: Document,
        scope: Scope,
    ) -> None:
        self.arn: str = document["PipelineExecutionArn"]
        self.stopping = threading.Event()
        self.done = threading.Event()
        self._store, self._step_types, self._scope = store, step_types, scope
        self._role = document.get("RoleArn", "").rpartition("/")[2]
        self._graph = {node.name: node for node in nodes(definition["Steps"])}
        past = (store.find("execution-steps", self.arn) or {"Steps": []})["Steps"]
        self._past: dict[str, Document] = {record["StepName"]: record for record in past}
        self._runs: dict[str, StepRun] = {}
        self._skipped: set[str] = set()
        self._abandoned = False
        parallelism = document.get("ParallelismConfiguration", {})
        self._parallel = parallelism.get("MaxParallelExecutionSteps", _DEFAULT_PARALLEL_STEPS)

    def forget_failures(self) -> None:
        """Keep only the successful steps of an earlier attempt, before a client can list the steps."""
        kept = [record for record in self._past.values() if record["StepStatus"] == "Succeeded"]
        self._store.put("execution-steps", self.arn, {"Steps": kept})

    def run(self) -> None:
        """Run all steps and record the result."""
        try:
            self._take_over()
            self._run_steps()
            failed = [run for run in self._runs.values() if run.record["StepStatus"] == "Failed"]
            if self.stopping.is_set():
                self._record("Stopped")
            elif failed:
                first = min(failed, key=lambda run: run.record["EndTime"])
                self._record("Failed", f"Step failure: {first.name}: {first.record['FailureReason']}")
            else:
                self._record("Succeeded")
        except Exception as error:
            log_exception()
            self._record("Failed", str(fault(error, "InternalServerError")))
        finally:
            self.done.set()

    def stop(self) -> None:
        """Stop the running steps and start no others."""
        self.stopping.set()
        together(run.end for run in list(self._runs.values()))

    def abandon(self) -> None:
        """Start no other steps, and leave it to the next server to record why."""
        self._abandoned = True
        self.stopping.set()

    def _take_over(self) -> None:
        """Take over the steps that succeeded in an earlier attempt at this execution."""
        for name, record in self._past.items():
            if record["StepStatus"] == "Succeeded":
                run = self._step_run(self._graph[name], record)
                self._step_types[run.step["Type"]].restore(run)
                self._runs[name] = run

    def _run_steps(self) -> None:
        futures: dict[Future[None], str] = {}
        with ThreadPoolExecutor(self._parallel, thread_name_prefix=self.arn[-12:]) as pool:
            while True:
                for node in self._ready():
                    run = self._begin(node)
                    futures[pool.submit(self._run_step, run)] = node.name
                if not futures:
                    return
                for future in wait(futures, return_when=FIRST_COMPLETED).done:
                    del futures[future]
                    future.result()

    def _ready(self) -> list[Node]:
        """Return the steps that can start now. No step starts after a failure or a stop."""
        ended = {name: run.record["StepStatus"] for name, run in self._runs.items()}
        if self.stopping.is_set() or not set(ended.values()) <= {"Executing", "Succeeded"}:
            return []
        waiting = [node for node in self._graph.values() if node.name not in ended]
        # Steps that need a skipped step are skipped too, whatever the order in the definition.
        while newly := {
            node.name for node in waiting if node.name not in self._skipped and self._is_skipped(node)
        }:
            self._skipped |= newly
        return [
            node
            for node in waiting
            if node.name not in self._skipped and all(ended.get(name) == "Succeeded" for name in node.needs)
        ]

    def _is_skipped(self, node: Node) -> bool:
        if node.needs & self._skipped:
            return True
        chosen = self._runs[node.condition].branch if node.condition in self._runs else None
        return chosen is not None and chosen != node.branch

    def _begin(self, node: Node) -> StepRun:
        step = node.step
        record = {
            "StepName": node.name,
            "StepDisplayName": step.get("DisplayName"),
            "StepDescription": step.get("Description"),
            "StepStatus": "Executing",
            "StartTime": time.time(),
            "AttemptCount": self._past.get(node.name, {}).get("AttemptCount", 0) + 1,
            "Metadata": {},
        }
        run = self._runs[node.name] = self._step_run(node, record)
        self._save_steps()
        return run

    def _step_run(self, node: Node, record: Document) -> StepRun:
        return StepRun(node.step, self._scope, self.arn, record, self._save_steps, self.stopping, self._role)

    def _run_step(self, run: StepRun) -> None:
        """Run a step, and repeat it if its retry policies say so."""
        attempts = 1
        while failure := self._attempt(run):
            seconds = time.time() - run.record["StartTime"]
            pause = pause_before_retry(run.step, failure.exception_type, attempts, seconds)
            if pause is None or self.stopping.wait(pause):
                break
            attempts += 1
            run.record["AttemptCount"] += 1
            self._save_steps()
        if failure is None:
            ending = {"StepStatus": "Succeeded"}
        else:
            status = "Stopped" if self.stopping.is_set() else "Failed"
            ending = {"StepStatus": status, "FailureReason": str(failure)[:_STEP_REASON_LENGTH]}
        run.record.update(EndTime=time.time(), **ending)
        self._save_steps()

    def _attempt(self, run: StepRun) -> StepFailed | None:
        """Run a step once; return its failure, or None if it succeeded."""
        try:
            self._step_types[run.step["Type"]].execute(run)
        except StepFailed as failure:
            return failure
        except AwsError as error:
            return StepFailed(f"ClientError: {error.code}: {error.message}")
        except UnresolvedError as error:
            return StepFailed(str(error))
        except Exception as error:
            log_exception()
            reason = str(fault(error, "InternalServerError"))
            return StepFailed(reason, None if is_disk_full(error) else SERVICE_FAULT)
        return None

    def _save_steps(self) -> None:
        with self._store.lock:
            records = [dict(run.record) for run in list(self._runs.values())]
            self._store.note("execution-steps", self.arn, Steps=records)

    def _record(self, status: str, reason: str | None = None) -> None:
        if self._abandoned:
            return
        self._store.note(
            "execution",
            self.arn,
            PipelineExecutionStatus=status,
            FailureReason=reason and reason[:_EXECUTION_REASON_LENGTH],
            LastModifiedTime=time.time(),
        )
