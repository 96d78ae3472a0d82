"""Whether a run was made here: only then is code run that its header names. A folder that was received runs none.

Each account has a key of its own, which never leaves it; the header of a run of an experiment from outside carries a
mark made with it. Where no key can be kept, marks are empty and tell nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

TRUST = "MESOCOSM_TRUST"
"""Set to 1, it says that the folders that are opened may run the files that they name."""


def marked(code: Mapping[str, str]) -> dict[str, str]:
    """What a header says of the code of its run, with the mark of this account."""
    return {**code, "mark": _mark(code)} if code else {}


def is_ours(code: Mapping[str, str]) -> bool:
    """Whether this account has written it, or the user says so."""
    return os.environ.get(TRUST) == "1" or hmac.compare_digest(str(code.get("mark", "")), _mark(code))


def _mark(code: Mapping[str, str]) -> str:
    key = _key()
    said = f"{code.get('reference')}\0{code.get('digest')}".encode(errors="surrogateescape")
    return hmac.new(key, said, hashlib.sha256).hexdigest()[:32] if key else ""


def _key() -> bytes:
    """The key of this account, made when it is first asked for; empty where there is no place for it."""
    try:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        path = base / "mesocosm" / "key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f"key-{secrets.token_hex(8)}")
            beside.touch(mode=0o600, exist_ok=False)
            beside.write_bytes(secrets.token_bytes(32))
            try:
                os.link(beside, path)  # whoever is first wins; nobody sees half a key
            except FileExistsError:
                pass
            finally:
                beside.unlink()
        return path.read_bytes()
    except (OSError, RuntimeError):
        return b""
