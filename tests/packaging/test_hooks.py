"""The repository passes its own pre-commit hooks."""

import shutil
import subprocess
import sys
from pathlib import Path


def test_every_hook_passes_on_every_file(tool, tracked_copy, tmp_path):
    staged = tmp_path / "staged"
    shutil.copytree(tracked_copy, staged)
    subprocess.run(["git", "init", "-q"], cwd=staged, check=True)
    subprocess.run(["git", "add", "--all"], cwd=staged, check=True)
    (staged / ".venv").symlink_to(Path(sys.prefix))
    home = {"PRE_COMMIT_HOME": str(tmp_path / "home"), "PRE_COMMIT_COLOR": "never"}
    tool("pre-commit", "run", "--all-files", "--show-diff-on-failure", cwd=staged, env=home)
