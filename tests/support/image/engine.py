"""A Docker engine: the one that is here, or one of our own where this may be installed, and gone after.

Ours is Debian's, with a data root, a socket and a process of its own. It makes no bridge and no firewall
rules, so that it runs within a container or a virtual machine; builds and runs use the machine's network.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import debian
from support.debian import Missing

START_SECONDS = 60
SUITE, PACKAGES = "bookworm", "python3,python3-venv,python3-pip,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
STAND_IN, PUBLIC = "many-models-base:bookworm", "python:3.12-slim"
# SageMaker runs containers as root. Whoever is not would be left with root's files.
USER = f"{os.getuid()}:{os.getgid()}"
SECRET = "index-of-this-machine.invalid"  # a setting of pip that may be nowhere in the image
Job = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Engine:
    """A running engine, which `docker` talks to."""

    version: str
    is_ours: bool = False

    @property
    def build_options(self) -> tuple[str, ...]:
        """What its builds need: our own has no network but the machine's."""
        return ("--network", "host") if self.is_ours else ()

    def __call__(self, *arguments: str, typed: str | None = None, check: bool = True) -> str:
        """Run a docker command and give what it prints."""
        command = ["docker", *arguments]
        done = subprocess.run(command, input=typed, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def run(
        self, image: str, *command: str, options: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a new container to its end."""
        arguments = ["docker", "run", "--rm", *options, image, *command]
        return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=300)


@contextmanager
def running(folder: Path) -> Iterator[Engine]:
    """The engine of this machine, or one of our own in a folder for as long as this lasts.

    Raises:
        Missing: neither can be had.
    """
    if version := _version():
        yield Engine(version)
        return
    if not (shutil.which("dockerd") and shutil.which("debootstrap")):
        debian.install(
            "docker.io", "debootstrap", missing="There is no Docker engine here", otherwise="start Docker"
        )
    with _daemon(folder) as version:
        yield Engine(version, is_ours=True)


def base(engine: Engine, folder: Path) -> str:
    """The image to extend: BASE_IMAGE, a public one, or, where no registry is reached, one made of Debian.

    Raises:
        Missing: none can be had.
    """
    if given := os.environ.get("BASE_IMAGE"):
        return given
    if not engine.is_ours:
        return PUBLIC
    root = folder / "rootfs"
    debian.call("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root), *_mirror())
    if CERTIFICATES.is_file():  # this machine may reach its registries only with authorities of its own
        shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    for rest in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / rest)
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as packed:
        subprocess.run(
            ["docker", "import", "-", STAND_IN], stdin=packed.stdout, capture_output=True, check=True
        )
    shutil.rmtree(root)
    return STAND_IN


def _version() -> str:
    """The version of the engine that answers; empty if none does."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


@contextmanager
def _daemon(folder: Path) -> Iterator[str]:
    host, log = f"unix://{folder}/docker.sock", folder / "dockerd.log"
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    options = [f"--{name}={folder / place}" for name, place in places.items()]
    # A daemon that leads a session of its own does not hear a Ctrl-C before its containers are gone.
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["dockerd", "--iptables=false", "--bridge=none", f"--host={host}", *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = host
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (version := _version()):
            if process.poll() is not None or time.monotonic() > deadline:
                last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
                raise Missing(f"dockerd does not run on this machine:\n{last}")
            time.sleep(0.2)
        yield version
        engine = Engine(version)
        if left := engine("ps", "--all", "--quiet").split():
            engine("rm", "--force", *left)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        if before is None:
            del os.environ["DOCKER_HOST"]
        else:
            os.environ["DOCKER_HOST"] = before
        # dockerd leaves its data root and its network namespace mounted.
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in reversed([place for place in mounted if place.startswith(f"{folder}/")]):
            subprocess.run(["umount", place], check=True)


def _mirror() -> tuple[str, ...]:
    """Where apt of this machine gets Debian from; nothing for debootstrap's own default."""
    wanted = ("--format", "$(REPO_URI)", "Created-By: Packages", f"Codename: {SUITE}")
    command = ["apt-get", "indextargets", *wanted]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return tuple(found[:1])
