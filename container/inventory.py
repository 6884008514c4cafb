"""List what the image contains while it is built: `libraries.txt` for people, `sbom.json` for scanners."""

import json
import re
import sys
import sysconfig
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

ADDED = [sysconfig.get_path("purelib"), "/opt/tabular"]  # everything else comes from the base image


def main() -> None:
    """Write both files into the folder given as an argument, and print the first."""
    target = Path(sys.argv[1])
    found: dict[str, list[Distribution]] = {}  # in the order of the search path: the first is imported
    for one in distributions():
        found.setdefault(_name(one), []).append(one)
    direct = {_canonical(need) for need in distribution("tabular").requires or []}
    rows = [
        f"{name:24} {ones[0].version:12} {_origin(ones)}"
        for name, ones in sorted(found.items())
        if name in direct or _is_added(ones[0])
    ]
    text = "".join(f"{row}\n" for row in rows)
    (target / "libraries.txt").write_text(text)
    (target / "sbom.json").write_text(json.dumps(_bill(found), indent=1))
    print(text, end="")


def _origin(ones: list[Distribution]) -> str:
    if not _is_added(ones[0]):
        return "from the base image"
    others = {one.version for one in ones[1:]} - {ones[0].version}
    return f"instead of {', '.join(sorted(others))} from the base image" if others else "added"


def _is_added(one: Distribution) -> bool:
    return str(one.locate_file("")).rstrip("/") in ADDED


def _bill(found: dict[str, list[Distribution]]) -> dict[str, object]:
    """The software bill of materials in the format of https://cyclonedx.org/docs/1.6/json/."""
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{one.version}",
            "name": name,
            "version": one.version,
            "purl": f"pkg:pypi/{name}@{one.version}",
        }
        for name, ones in sorted(found.items())
        for one in ones[:1]
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}


def _name(one: Distribution) -> str:
    return _canonical(one.metadata["Name"])


def _canonical(requirement: str) -> str:
    """The name in a requirement, as package indexes spell it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


if __name__ == "__main__":
    main()
