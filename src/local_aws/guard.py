"""Run a command that must not outlive the server: `python guard.py COMMAND...`.

The guard's standard input is a pipe that only the server holds open. When the server is gone, also after
kill -9, the pipe ends and the guard ends its whole process group.
"""

import os
import signal
import subprocess
import sys
import threading

__all__ = ["die_with", "main"]


def die_with(descriptor: int) -> None:
    """End this process group as soon as the other end of a pipe or socket is closed."""

    def wait() -> None:
        try:
            while os.read(descriptor, 1024):
                continue
        finally:
            os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Run the command and exit as it did."""
    # The command gets its own SIGTERM, for the signal goes to the group; the guard stays for its exit code.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    die_with(0)
    try:
        command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"{sys.argv[1]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)
    code = command.wait()
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
