"""`many-models`: what its help says, how it ends, what it suggests, and that it answers immediately."""

import errno
import importlib
import os
import runpy
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from support import HANGS, ROOT
from support.helpers.headless import environment

from commands.__main__ import main, many_models
from commands.command_line.endings import Command
from helpers.errors import BadInput, ExitCode, JobFailed
from helpers.parameters import PARAMETERS

SLOW_TO_IMPORT = {"IPython", "boto3", "botocore", "matplotlib", "numpy", "pandas", "papermill", "sagemaker"}
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "No."}}, "GetObject")
README = (ROOT / "README.md").read_text()


def raising(error: BaseException) -> Callable[..., None]:
    def fail(**_: object) -> None:
        raise error

    return fail


# Help


def test_the_help_lists_every_command_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    for name, command in many_models.commands.items():
        assert f"  {name} " in told
        assert command.get_short_help_str(limit=90) in told, "no sentence is cut off"
    for code in ExitCode:
        assert f"\n  {code.value:<4} {code.meaning.split(';')[0]}" in told


@pytest.mark.parametrize("name", [*many_models.commands, "local-aws start", "local-aws reset"])
def test_every_command_has_help_and_says_how_it_ends(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main([*name.split(), "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"Usage: many-models {name} ")
    assert "Exit codes:" in told


@pytest.mark.parametrize("command", many_models.commands.values(), ids=lambda command: command.name)
def test_every_option_says_what_it_does(command: click.Command) -> None:
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_the_readme_has_the_commands_and_the_exit_codes() -> None:
    table = (
        README.split("## The command line")[1].split("| code | meaning |\n|---:|---|\n")[1].split("\n\n")[0]
    )
    assert table.strip().splitlines() == [f"| {code.value} | {code.meaning} |" for code in ExitCode]
    sentence = README.split("## The command line")[1].split("each has")[0]
    assert [name for name in many_models.commands if f"`{name}`" not in sentence] == []


def test_the_console_script_is_this_command_line() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, name = scripts["many-models"].partition(":")
    assert getattr(importlib.import_module(module), name) is main


@pytest.mark.slow
def test_help_imports_nothing_that_is_slow_to_import() -> None:
    code = (
        "import sys\nfrom commands.__main__ import main\nmain(['--help'])\nmain(['run', '--help'])\n"
        f"assert not {SLOW_TO_IMPORT!r} & set(sys.modules), sorted({SLOW_TO_IMPORT!r} & set(sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


# What is typed wrong


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["local-aws", "stat"], "No such command 'stat'. (Did you mean one of: 'start', 'status'?)"),
        (["run", "--onyl", "03", "local.yaml"], "No such option '--onyl'. Did you mean '--only'?"),
        (["run"], "Missing argument 'FILE'."),
        (["run", "x.yaml", "-p", "STEPS"], "Option '-p' requires 2 arguments."),
        (["up"], "Missing option '--env'."),
        (["image", "--builder", "dokcer"], "'dokcer' is not one of 'auto', 'docker', 'codebuild', 'none'."),
        (["local-aws", "start", "--port", "many"], "'many' is not a valid integer."),
        (["monitor", "x.yaml", "--window", "7"], "--window: '7' is not a number of hours or days, such as"),
    ],
)
def test_what_is_typed_wrong_is_a_sentence_with_the_nearest_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == ExitCode.BAD_INPUT
    told = capsys.readouterr()
    assert told.out == ""
    assert sentence in told.err.splitlines()[-1]


@pytest.mark.parametrize("arguments", [[], ["local-aws"]])
def test_without_a_command_the_help_is_shown(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == ExitCode.BAD_INPUT
    assert "Commands:" in capsys.readouterr().err


# How a command ends


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (JobFailed("It fell."), 1, "It fell."),
        (BadInput("No."), 2, "No."),
        (DENIED, 1, f"AWS refused: {DENIED} Look at dev."),
        (NoCredentialsError(), 1, "AWS refused: Unable to locate credentials. Look at dev."),
        (
            OSError(errno.ENOSPC, "No space left on device", "summary.json"),
            1,
            "A file cannot be written ([Errno 28] No space left on device: 'summary.json'); free some space.",
        ),
        (EOFError(), 1, "Nobody answered; if nobody can type an answer, add --yes."),
        (KeyboardInterrupt(), 130, "Interrupted; all is well."),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, BaseException) else "",
)
def test_whatever_a_command_raises_is_a_sentence_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, sentence: str
) -> None:
    command = Command(
        "x",
        params=[click.Option(["--env"])],
        callback=raising(error),
        interrupted="all is well.",
        refused="Look at {env}.",
    )
    assert command.main(["--env", "dev"], standalone_mode=False) == code
    assert capsys.readouterr() == ("", f"\n{sentence}\n")


@pytest.mark.slow
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_command_goes_on_quietly_when_its_reader_has_gone(unbuffered: str) -> None:
    code = (
        "import sys\nfrom commands.command_line.endings import outlive_reader\noutlive_reader()\n"
        "sys.stdin.readline()\n"
        "for line in range(50_000):\n    print(line)\nprint('at the end', file=sys.stderr)\nsys.exit(3)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    process.stdout.close()
    _, said = process.communicate("go\n", timeout=HANGS)
    assert (said, process.returncode) == ("at the end\n", 3)


def test_the_last_check_has_a_window_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "parameters/local.yaml", "--latest", "--window", "7d"]) == ExitCode.BAD_INPUT
    assert "leave out --only and --window" in capsys.readouterr().err


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        Command("x", callback=raising(ZeroDivisionError())).main([], standalone_mode=False)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_a_command_with_130_and_a_sentence(tmp_path: Path, number: signal.Signals) -> None:
    os.mkfifo(tmp_path / "waits.yaml")  # whoever opens it waits for a writer
    process = subprocess.Popen(
        [sys.executable, "-m", "commands", "run", tmp_path / "waits.yaml"],
        env=environment(tmp_path / "home"),
        stderr=subprocess.PIPE,
        text=True,
    )
    writer = os.open(tmp_path / "waits.yaml", os.O_WRONLY)  # waits for the command to open it
    assert _ended_by(number, process) == (
        "\nInterrupted; nothing that this run started is left running here.\n"
    )
    os.close(writer)
    assert process.returncode == ExitCode.INTERRUPTED


def _ended_by(number: signal.Signals, process: subprocess.Popen[str]) -> str:
    """Send a signal until a process ends, and return what it said.

    Python sees a signal between two of its instructions. One that arrives in the instant before a call that
    waits, as this one may, is seen only when that call returns.
    """
    begin = time.monotonic()
    while True:
        process.send_signal(number)
        try:
            return process.communicate(timeout=5)[1]
        except subprocess.TimeoutExpired:
            if time.monotonic() - begin > HANGS:
                raise


@pytest.mark.usefixtures("interruptible")
def test_a_second_signal_does_not_end_the_clean_up_of_the_first(capfd: pytest.CaptureFixture[str]) -> None:
    cleaned = []

    def interrupted() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.raise_signal(number)
                cleaned.append(number)

    before = signal.getsignal(signal.SIGINT)
    command = Command("x", callback=interrupted, interrupted="nothing is left.")
    assert command.main([], standalone_mode=False) == ExitCode.INTERRUPTED
    assert cleaned == [signal.SIGINT, signal.SIGTERM]
    assert capfd.readouterr().err == (
        "\nStill ending what was started; this takes a few seconds.\n" * 2
        + "\nInterrupted; nothing is left.\n"
    )
    assert signal.getsignal(signal.SIGINT) is before


def test_the_former_name_is_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["run.py", str(tmp_path / "nowhere.yaml")])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("helpers.run", run_name="__main__")  # as `python -m helpers.run` does
    assert ended.value.code == ExitCode.BAD_INPUT
    assert f"The parameter file {tmp_path / 'nowhere.yaml'} cannot be read" in capsys.readouterr().err


# Completion


def completed(shell: str, *words: str) -> list[str]:
    """What a shell is offered for the last of these words."""
    typed = ["many-models", *words]
    position = {"COMP_WORDS": " ".join(typed), "COMP_CWORD": str(len(typed) - 1)}
    if shell == "fish":
        position["COMP_CWORD"] = words[-1]
    done = subprocess.run(
        [sys.executable, "-m", "commands"],
        env={**os.environ, "_MANY_MODELS_COMPLETE": f"{shell}_complete", **position},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\n")[:-1]


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_names_of_parameters_are_completed(shell: str) -> None:
    told = completed(shell, "run", "parameters/local.yaml", "-p", "max_")
    offered = [name for name in PARAMETERS if any(name in line for line in told)]
    assert offered == [name for name in PARAMETERS if name.startswith("MAX_")]
    assert "MAX_TUNING_JOBS" in offered


@pytest.mark.slow
def test_a_value_is_not_taken_for_a_name() -> None:
    assert completed("bash", "run", "parameters/local.yaml", "-p", "DATASETS", "") == [""]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["pre"], "plain,preflight"),
        (["run", "--fr"], "plain,--from"),
        (["run", "param"], "file,param"),
        (["up", "--env", "d"], "plain,dev"),
        (["image", "--builder", "d"], "plain,docker"),
        (["local-aws", "re"], "plain,reset"),
    ],
)
def test_commands_options_files_and_environments_are_completed(words: list[str], offered: str) -> None:
    assert completed("bash", *words) == [offered]


# local_aws


@pytest.mark.slow
def test_local_aws_is_started_looked_at_and_taken_away(tmp_path: Path) -> None:
    def typed(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "commands", "local-aws", *arguments]
        env = environment(tmp_path / "home")
        done = subprocess.run(command, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout

    nothing = (1, f"No server runs for {tmp_path / 'home'}\n")
    assert typed("status") == nothing
    try:
        code, told = typed("start")
        assert code == 0
        assert all(line.startswith("export AWS_") for line in told.splitlines()), "a shell evaluates it"
        code, told = typed("status")
        assert code == 0
        assert told.startswith("server        http://127.0.0.1:")
        assert typed("stop") == (0, "Stopped\n")
        assert typed("reset")[0] == 1, "nobody answers the question"
        assert (tmp_path / "home").is_dir()
    finally:
        code, told = typed("reset", "--yes")
        assert (code, told.splitlines()[-1]) == (0, f"Deleted {tmp_path / 'home'}")
    assert not (tmp_path / "home").exists()
