"""`python -m local_aws start|stop|status|messages|deliveries|endpoints|interrupt|prune|reset`."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local_aws.core.account import PERSON
from local_aws.core.files import disk_use
from local_aws.lifecycle.daemon import (
    LocalAwsError,
    interrupt,
    messages,
    prune,
    reset,
    running,
    set_deliveries,
    set_endpoint_seconds,
    start,
    status,
    stop,
)
from local_aws.lifecycle.home import SECRET, find_home

_MEGABYTE = 1024 * 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    parser = argparse.ArgumentParser(prog="local_aws", description="AWS on a laptop.")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("start", help="start the server, unless it is running")
    starting.add_argument("--port", type=int, default=0, help="the port to listen on (default: any)")
    starting.add_argument("--idle-minutes", type=float, default=60, help="stop after this long without work")
    commands.add_parser("stop", help="stop the server and everything it started")
    commands.add_parser("status", help="show what the server is doing")
    commands.add_parser("messages", help="show what was published to SNS topics since the start")
    delivering = commands.add_parser("deliveries", help="lose or duplicate events, for tests")
    delivering.add_argument("--lost", type=float, default=0.0, help="the fraction to lose")
    delivering.add_argument("--duplicated", type=float, default=0.0, help="the fraction to deliver twice")
    delivering.add_argument("--seed", type=int, default=0, help="the random seed that chooses them")
    slowing = commands.add_parser("endpoints", help="let creating or updating an endpoint take time")
    slowing.add_argument("--seconds", type=float, default=0.0, help="how long it takes at least")
    interrupting = commands.add_parser("interrupt", help="take a training job's spot instances away")
    interrupting.add_argument("job", help="the name of the training job")
    interrupting.add_argument(
        "--notice",
        type=float,
        default=120.0,
        help="seconds between SIGTERM and the end; 0 for no SIGTERM (default: 120)",
    )
    pruning = commands.add_parser("prune", help="delete what old executions left and nothing needs")
    pruning.add_argument(
        "--days", type=float, default=7, help="how long ago they must have ended (default: 7)"
    )
    resetting = commands.add_parser("reset", help="stop the server and delete all state")
    resetting.add_argument("--also", type=Path, nargs="+", default=[], help="other folders to delete")
    resetting.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except LocalAwsError as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    if options.command == "start":
        server = start(idle_minutes=options.idle_minutes, port=options.port)
        word = "Started" if server.started else "Running"
        # The rest is for a shell: eval "$(python -m local_aws start)"
        print(f"{word}: process {server.pid}, state in {server.home}", file=sys.stderr)
        print(f"export AWS_ENDPOINT_URL={server.endpoint_url}")
        print(f'export AWS_ACCESS_KEY_ID={PERSON} AWS_SECRET_ACCESS_KEY="$(cat {server.home / SECRET})"')
    elif options.command == "stop":
        print("Stopped" if stop() else f"No server runs for {find_home()}")
    elif options.command in ("status", "messages", "deliveries", "endpoints", "interrupt"):
        if (server := running()) is None:
            print(f"No server runs for {find_home()}")
            return 1
        if options.command == "deliveries":
            shares = {"lost": options.lost, "duplicated": options.duplicated}
            set_deliveries(server, **shares, seed=options.seed)
            print(f"{options.lost:.0%} of deliveries are lost and {options.duplicated:.0%} are made twice")
        elif options.command == "endpoints":
            set_endpoint_seconds(server, options.seconds)
            print(f"Creating or updating an endpoint takes at least {options.seconds:g} seconds")
        elif options.command == "interrupt":
            interrupt(server, options.job, options.notice)
            print(f"{options.job} loses its instances in {options.notice:g} seconds and begins again")
        elif options.command == "messages":
            print(_told(messages(server)))
        else:
            print(_describe(status(server.home)))
    elif options.command == "prune":
        print(_freed(prune(days=options.days)))
    else:
        return _reset(options.also, ask=not options.yes)
    return 0


def _reset(also: Sequence[Path], *, ask: bool) -> int:
    """Delete all state and other folders, if whoever can be asked says yes."""
    home = find_home()
    found = {folder: disk_use(folder) for folder in (home, *also) if folder.exists()}
    if not found:
        print("There is nothing to delete")
        return 0
    print("To delete:")
    for folder, size in found.items():
        print(f"{size / _MEGABYTE:8.1f} MB  {folder}")
    if ask and not _confirmed(f"Delete these {sum(found.values()) / _MEGABYTE:.0f} MB?"):
        print("Nothing was deleted")
        return 1
    if home in found:
        reset(home)
    for folder in found.keys() - {home}:
        shutil.rmtree(folder)
    print(f"Deleted {', '.join(map(str, found))}")
    return 0


def _confirmed(question: str) -> bool:
    """Ask whether to go on; without a terminal, there is nobody to ask, and the answer is no."""
    if not sys.stdin.isatty():
        print(f"{question} There is no terminal to ask on; add --yes (make clean ARGS=--yes).")
        return False
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _freed(freed: dict[str, Any]) -> str:
    """Return what was deleted as readable text."""
    megabytes, left = (freed[name] / _MEGABYTE for name in ("bytes", "left_bytes"))
    days, executions, jobs = (f"{freed[name]:g}" for name in ("days", "executions", "jobs"))
    return (
        f"Freed {megabytes:.1f} MB; the state has {left:.1f} MB now.\n"
        f"Of executions that ended more than {days} days ago, {executions} are deleted with their {jobs} "
        f"jobs,\nand {freed['needed']} are needed and stay, except for what would expire on AWS too. "
        f"{freed['objects']} objects are deleted."
    )


def _told(published: list[dict[str, Any]]) -> str:
    """Return messages as readable text."""
    told = [f"{one['topic']}: {one['subject'] or ''}\n{one['message']}" for one in published]
    return "\n\n".join(told) or "Nothing was published"


def _describe(about: dict[str, Any]) -> str:
    """Return the status as readable text."""
    lines = [
        f"server        {about['endpoint_url']} (process {about['pid']}, {about['region']})",
        f"home          {about['home']} ({about['disk_bytes'] / _MEGABYTE:.1f} MB)",
        f"environments  {', '.join(about['environments']) or 'none'}",
        f"executions    {', '.join(about['executions']) or 'none running'}",
        f"jobs          {', '.join(about['jobs']) or 'none running'}",
    ]
    for name, endpoint in about["endpoints"].items():
        lines.append(f"endpoint      {name}: {endpoint['status']}")
        if endpoint["reason"]:
            lines.append(f"              {endpoint['reason']}")
        if "invocations" in endpoint:
            loads = endpoint["cold_loads"]
            average = endpoint["load_milliseconds"] / loads if loads else 0.0
            lines.append(
                f"              {endpoint['invocations']} invocations, {endpoint['hits']} on loaded models; "
                f"{loads} loads of {average:.0f} ms; {endpoint['loaded_models']} loaded now"
            )
    shares = about["deliveries"]
    if shares["lost"] or shares["duplicated"]:
        lines.append(
            f"deliveries    {shares['lost']:.0%} lost, {shares['duplicated']:.0%} made twice, as set"
        )
    for letter in about["dead_letters"]:
        lines.append(f"dead letter   {letter['Function']}: {letter['Reason'][:200]}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
