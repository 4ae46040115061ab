"""The scripts of live pages: one package from npm, pinned by its fingerprint.

``tools/setup`` runs this file. The archive stays in the environment, and every build verifies it
again before it copies what a browser needs.
"""

import base64
import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

PACKAGE = "thebe"
VERSION = "0.9.3"
SHA512 = "Rb/7kVhtlffXra3kIe7OuIGE7awsm2/fGWxw21DiNfnWLnUQiDl9AWqYdshPwZPG/5DzLpsJRPix2xtCPtJmQQ=="
ARCHIVE = Path(sys.prefix) / "share" / f"{PACKAGE}-{VERSION}.tgz"
# Source maps and types serve the developers of the package only.
SERVED = {".js", ".css", ".txt"}


def fetch(archive: Path = ARCHIVE) -> None:
    """Bring the archive into the environment, unless it is there."""
    if archive.exists():
        return
    print(f"Fetching {PACKAGE} {VERSION} from npm.", flush=True)
    with TemporaryDirectory() as folder:
        packed = pack(Path(folder))
        verify(packed)
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(packed)


def pack(folder: Path) -> bytes:
    """The archive as npm delivers it, with the certificates and the settings of this machine."""
    command = [npm(), "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--silent"]
    options = f"{os.environ.get('NODE_OPTIONS', '')} --use-system-ca".strip()
    settings = {"NODE_OPTIONS": options, "npm_config_cache": str(folder / "cache")}
    done = subprocess.run(
        command, cwd=folder, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"npm could not deliver {PACKAGE} {VERSION}, the scripts of live pages. Check that "
            f"`{' '.join(command)}` works here, or put the archive at {ARCHIVE} yourself.\n"
            + (done.stderr + done.stdout).strip()
        )
    return (folder / f"{PACKAGE}-{VERSION}.tgz").read_bytes()


def npm() -> str:
    """The npm of the locked environment."""
    return str(Path(sys.executable).with_name("npm"))


def verify(archive: bytes) -> None:
    """Refuse any other bytes than those that were pinned."""
    found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != SHA512:
        raise RuntimeError(
            f"The archive of {PACKAGE} {VERSION} is not the one that this book was tested with: "
            f"its SHA-512 is {found}, expected {SHA512}. Delete {ARCHIVE}, if it is there, and run "
            "tools/setup again."
        )


def files(archive: Path = ARCHIVE) -> dict[str, bytes]:
    """What a browser needs, by name."""
    if not archive.exists():
        raise RuntimeError(f"{archive} is missing: run tools/setup, which fetches it.")
    content = archive.read_bytes()
    verify(content)
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        return {
            PurePosixPath(member.name).name: package.extractfile(member).read()
            for member in package.getmembers()
            if served(PurePosixPath(member.name))
        }


def served(path: PurePosixPath) -> bool:
    """Whether a file of the archive belongs on the site: the scripts, and whose they are."""
    within = path.relative_to("package")
    return str(within) == "package.json" or (
        str(within.parent) == "lib" and within.suffix in SERVED
    )


if __name__ == "__main__":
    try:
        fetch()
    except RuntimeError as fault:
        raise SystemExit(str(fault)) from None
