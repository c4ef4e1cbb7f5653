"""What names a person, sealed for the database and opened for who may see it.

Source: 6.3.2 (access to personal data strictly limited).
"""

import msgspec

from anju.security.sealing import Sealer
from anju.web.context import Services


def sealer(here: Services) -> Sealer:
    """Return this process's sealer; made on first use where ``app`` handed none over."""
    found = here.more.get("sealer")
    if not isinstance(found, Sealer):
        found = here.more["sealer"] = Sealer(here.data / "keys")
    return found


def seal(here: Services, told: dict[str, str], about: str) -> bytes | None:
    """Return ``told`` sealed about its row and field, None where nothing was told."""
    kept = {name: value for name, value in told.items() if value}
    return sealer(here).seal(msgspec.json.encode(kept), about) if kept else None


def opened(here: Services, sealed: bytes | None, about: str) -> dict[str, str]:
    """Return what ``seal`` sealed. Raises Invalid where it cannot be opened here."""
    if sealed is None:
        return {}
    return msgspec.json.decode(sealer(here).open(sealed, about), type=dict[str, str])
