"""Any event text of a panel under both tokens: signals with a meaning or none, or WireErrors.

Run ``python fuzz/fuzz_contact_id.py -max_total_time=60``.
"""

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports():
    from anju.errors import WireError
    from anju.protocols.contact_id import meaning
    from anju.protocols.dc09 import ADM_CID, SIA_DCS, Frame


def one(data: bytes) -> None:
    """Read ``data`` as what an ADM-CID, a SIA-DCS or another frame says."""
    source = atheris.FuzzedDataProvider(data)
    token, charset = source.PickValueInList([ADM_CID, SIA_DCS, "NULL"]), source.PickValueInList(["utf-8", "gb18030"])
    text = source.ConsumeBytes(1_100).decode(charset, "replace")
    with suppress(WireError):
        for each in Frame(token, 1, account="1234", data=text).signals():
            told = meaning(each.code_space, each.code)
            assert told is None or (told.zh and told.en)
            assert len(each.zone) <= len(text)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
