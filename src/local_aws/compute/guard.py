"""Run a command that must not outlive the server: `python guard.py [--opt-ml FOLDER] COMMAND...`.

The guard's standard input is a pipe that only the server holds open. When the server ends, even after
kill -9, the pipe closes and the guard kills its whole process group.

With --opt-ml, the command sees a folder as /opt/ml, and no other process does: the mount is in a separate
namespace (mount_namespaces(7)), so the real /opt/ml is neither read nor written.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

__all__ = ["OPT_ML", "die_with", "main", "mount_as_opt_ml"]

OPT_ML = "/opt/ml"
# From linux/sched.h and linux/mount.h.
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000


def die_with(descriptor: int) -> None:
    """Kill this process group as soon as the other end of a pipe or socket is closed."""

    def wait() -> None:
        try:
            while os.read(descriptor, 1024):
                continue
        finally:
            os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def mount_as_opt_ml(folder: str) -> None:
    """Let this process and its children see a folder as /opt/ml. The process must not have threads yet.

    Raises:
        OSError: The system does not allow it, or has no /opt to mount under.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):
        raise OSError("this system has no mount namespaces")

    def call(function: str, *arguments: object) -> None:
        if getattr(libc, function)(*arguments):
            raise OSError(ctypes.get_errno(), f"{function}: {os.strerror(ctypes.get_errno())}")

    def mount(source: str, target: str, kind: str, flags: int) -> None:
        call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), None)

    user, group = os.getuid(), os.getgid()
    try:
        call("unshare", _CLONE_NEWNS)
    except OSError:  # only root may do this without a user namespace, in which the ids stay the same
        call("unshare", _CLONE_NEWUSER | _CLONE_NEWNS)
        for file, content in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{file}", "w") as mapping:  # noqa: PTH123 - without pathlib it starts sooner
                mapping.write(content)
    mount("none", "/", "", _MS_REC | _MS_PRIVATE)
    if not os.path.isdir(OPT_ML):  # noqa: PTH112
        _make_room(mount)
    mount(folder, OPT_ML, "", _MS_BIND | _MS_REC)


def _make_room(mount: Callable[[str, str, str, int], None]) -> None:
    """Create /opt/ml in this namespace: an /opt in memory, with everything in the real /opt mounted in it."""
    parent = os.path.dirname(OPT_ML)  # noqa: PTH120
    real = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    mount("tmpfs", parent, "tmpfs", 0)
    os.mkdir(OPT_ML)  # noqa: PTH102
    for entry in os.scandir(real):
        source, target = f"/proc/self/fd/{real}/{entry.name}", f"{parent}/{entry.name}"
        if entry.is_symlink():
            os.symlink(os.readlink(source), target)  # noqa: PTH115, PTH211
            continue
        if entry.is_dir():
            os.mkdir(target)  # noqa: PTH102
        else:
            os.close(os.open(target, os.O_CREAT))
        mount(source, target, "", _MS_BIND | _MS_REC)
    os.close(real)


def main() -> None:
    """Run the command and exit with its exit code."""
    command = sys.argv[1:]
    if command[0] == "--opt-ml":
        mount_as_opt_ml(command[1])
        command = command[2:]
    # The command gets its own SIGTERM, because the signal goes to the group; the guard waits for the command.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    die_with(0)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)
    code = child.wait()
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
