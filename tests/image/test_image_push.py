"""Logging in and pushing, to a real registry: Debian's, on this machine."""

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import debian
from support.image.engine import Engine

from helpers.errors import UserError
from helpers.image import docker

# A registry that asks for a password needs a file of bcrypt hashes; this one takes whatever is given.
SETTINGS = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "{host}"}}
log: {{level: error}}
"""


@pytest.fixture
def registry(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a registry that is empty; Docker keeps its logins in a folder of this test."""
    if shutil.which("docker-registry") is None:
        missing = "There is no docker-registry on this machine to push to"
        if not engine.is_ours:
            pytest.skip(f"{missing}.")
        try:
            debian.install("docker-registry", missing=missing, otherwise="install docker-registry")
        except debian.Missing as reason:
            pytest.skip(str(reason))
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    (tmp_path / "registry.yml").write_text(SETTINGS.format(folder=tmp_path, host=host))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    process = subprocess.Popen(["docker-registry", "serve", str(tmp_path / "registry.yml")])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(host.rpartition(":")[2]))) == 0:
                break
        time.sleep(0.05)
    yield host
    process.terminate()
    process.wait()


def test_an_image_is_pushed_after_a_login_and_comes_back_by_its_digest(
    engine: Engine, registry: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("something\n")
    name = f"{registry}/shop:one"
    engine("import", pack(tmp_path / "file"), name)
    token = base64.b64encode(b"AWS:password").decode()
    ecr = SimpleNamespace(
        get_authorization_token=lambda: {"authorizationData": [{"authorizationToken": token}]}
    )
    docker.login(ecr, registry, registry)
    said = list(docker.push(name))
    digest = said[-1].split("digest: ")[1].split()[0]
    engine("image", "rm", name)
    engine("pull", f"{registry}/shop@{digest}")
    assert json.loads((tmp_path / "docker/config.json").read_text())["auths"].keys() == {registry}


def test_a_registry_that_does_not_answer_is_told(engine: Engine, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        name = f"127.0.0.1:{free.getsockname()[1]}/shop:one"
    (tmp_path / "file").write_text("something else\n")
    engine("import", pack(tmp_path / "file"), name)
    with pytest.raises(UserError, match=r"(?s)`docker push` failed:.*Docker has access to the network"):
        list(docker.push(name))


def pack(file: Path) -> str:
    """The smallest image that there is: one file."""
    archive = file.with_suffix(".tar")
    subprocess.run(["tar", "-C", str(file.parent), "-cf", str(archive), file.name], check=True)
    return str(archive)
