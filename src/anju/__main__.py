"""``python -m anju`` is ``anju``."""

from anju.cli import main

main()
