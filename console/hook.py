"""Builds the console into the wheel, so that whoever installs Anju needs Python only."""

import runpy
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface[Any]):
    """Runs for a wheel that is handed on; an editable install builds with ``make console``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build ``src/anju/web/static``."""
        if version == "editable" or self.target_name != "wheel":
            return
        before, sys.argv = sys.argv, ["tool.py", "build"]
        try:
            runpy.run_path(str(Path(self.root) / "console" / "tool.py"), run_name="__main__")
        finally:
            sys.argv = before
