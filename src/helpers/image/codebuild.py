"""AWS CodeBuild: builds the image where Docker is not available, such as in SageMaker Studio."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from helpers.errors import UserError, one_line

__all__ = ["follow", "start"]

POLL_SECONDS = 3.0
LINES_OF_A_FAILURE = 15
REFUSALS = {
    "AccountLimitExceededException": (
        "Another build is running, or the account may not run any yet: wait for it, or request CodeBuild's "
        'quota "Concurrently running builds for Linux/Medium environment".'
    ),
    "ResourceNotFoundException": "There is no such project; apply Terraform, which creates it.",
    "AccessDeniedException": "The operator policy in terraform/people.tf has the permissions.",
}


def start(codebuild: Any, project: str, source: str, variables: Mapping[str, str]) -> str:
    """Start a build of a zip in S3, `bucket/key`, and return its ID.

    Follows https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html

    Raises:
        UserError: CodeBuild refuses; the message says what to do.
    """
    given = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()]
    try:
        answer = codebuild.start_build(
            projectName=project,
            sourceTypeOverride="S3",
            sourceLocationOverride=source,
            environmentVariablesOverride=given,
        )
    except codebuild.exceptions.ClientError as error:
        remedy = REFUSALS.get(error.response["Error"]["Code"])
        if remedy is None:
            raise
        raise UserError(
            f"CodeBuild does not start a build of {project}: {one_line(error)}. {remedy}"
        ) from None
    return answer["build"]["id"]


def follow(codebuild: Any, logs: Any, build: str) -> Iterator[str]:
    """Wait for a build; yield its phases and the lines of its log.

    Raises:
        UserError: it did not succeed; the message has the last lines of its log.
    """
    phase, token, last = "", None, []
    while True:
        (now,) = codebuild.batch_get_builds(ids=[build])["builds"]
        if (current := now.get("currentPhase", "")) != phase:
            phase = current
            yield f"CodeBuild: {phase}"
        # Read after the status, so that nothing is missing when the build has ended.
        lines, token = _log(logs, now.get("logs", {}), token)
        last = [*last, *lines][-LINES_OF_A_FAILURE:]
        yield from lines
        if now["buildStatus"] != "IN_PROGRESS":
            break
        time.sleep(POLL_SECONDS)
    if now["buildStatus"] != "SUCCEEDED":
        where = now.get("logs", {}).get("groupName", "its project's log")
        said = "\n".join(last or _reasons(now))
        raise UserError(
            f"The build {build} ended as {now['buildStatus']}; the whole log is in {where}:\n{said}\n"
            "Fix what it says, and run this again."
        )


def _log(logs: Any, place: Mapping[str, str], token: str | None) -> tuple[list[str], str | None]:
    """The lines after a token, and the token to continue from; no lines until the stream exists."""
    lines: list[str] = []
    while "streamName" in place:
        try:
            page = logs.get_log_events(
                logGroupName=place["groupName"],
                logStreamName=place["streamName"],
                startFromHead=True,
                **({"nextToken": token} if token else {}),
            )
        except logs.exceptions.ResourceNotFoundException:
            break
        lines += [event["message"].rstrip() for event in page["events"]]
        if page["nextForwardToken"] == token:  # the end, for now
            break
        token = page["nextForwardToken"]
    return lines, token


def _reasons(build: Mapping[str, Any]) -> list[str]:
    """The messages of phases that failed before there was a log."""
    return [
        context["message"]
        for phase in build.get("phases", [])
        for context in phase.get("contexts", [])
        if context.get("message")
    ]
