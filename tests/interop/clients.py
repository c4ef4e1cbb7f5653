"""Foreign GA/T 1400 clients, each a program of its own: curl, the JDK's HttpURLConnection, cpp-httplib."""

import asyncio
import shutil
from pathlib import Path

SOURCES = Path(__file__).parent / "clients"
RUN_S = 120.0


def missing(name: str) -> str:
    """Return what is not on this machine that client ``name`` needs, with the remedy; nothing where all is there."""
    if name == "curl":
        return "" if shutil.which("curl") else "curl is missing: sudo apt-get install curl"
    if name == "java":
        return (
            ""
            if shutil.which("java") and shutil.which("javac")
            else "java is missing: sudo apt-get install default-jdk-headless"
        )
    there = shutil.which("g++") and Path("/usr/include/httplib.h").exists() and Path("/usr/include/openssl").exists()
    return "" if there else "cpp-httplib is missing: sudo apt-get install g++ libcpp-httplib-dev libssl-dev"


async def command(name: str, folder: Path) -> list[str]:
    """Return how client ``name`` is started, compiled into ``folder`` where it must be."""
    if name == "curl":
        return ["sh", str(SOURCES / "client.sh")]
    if name == "java":
        await _done("javac", "-d", str(folder), str(SOURCES / "Client.java"))
        return ["java", "-cp", str(folder), "Client"]
    program = folder / "client"
    words = ("-std=c++17", "-O0", "-o", str(program), str(SOURCES / "client.cpp"), "-lcpp-httplib", "-lssl", "-lcrypto")
    await _done("g++", *words)
    return [str(program)]


async def talk(start: list[str], url: str, code: str, password: str, file: Path) -> list[tuple[int, str]]:
    """Let a client register, post ``file``, keep alive and ask the time; return status and body of each answer."""
    said = await _done(*start, url, code, password, str(file))
    return [(int(line[:3].strip() or 0), line[3:].strip()) for line in said.splitlines() if line.strip()]


async def _done(*words: str) -> str:
    child = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(RUN_S):
        said, _ = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"{words[0]} ended with {child.returncode}: {said.decode(errors='replace')[:2000]}")
    return said.decode()
