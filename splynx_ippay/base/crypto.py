"""Keys at rest. Owns the key file, the encryption of gateway tokens and the signatures of links.

The key file lives outside the database (and outside its backup): one key a line, ``<id> <urlsafe base64, 32 bytes>``,
the first line encrypts, all lines decrypt, so a key is rotated by putting a new line on top. Must never log or
return a key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from splynx_ippay.base.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


class KeyBox:
    """Encrypts and decrypts gateway tokens, signs texts."""

    def __init__(self, keys: list[tuple[str, str]]) -> None:
        """``keys`` are (key id, Fernet key) with the current one first; ConfigError when there is none or one is bad."""
        if not keys:
            message = "the key file holds no key; run: splynx-ippay make-key"
            raise ConfigError(message)
        try:
            self._fernets = [Fernet(key) for _, key in keys]
        except ValueError:
            message = "a line of the key file is not a key: expected '<id> <44 characters>'"
            raise ConfigError(message) from None
        self._current, self._multi = keys[0][0], MultiFernet(self._fernets)
        self._roots = [key.encode() for _, key in keys]

    def __repr__(self) -> str:
        """Never the keys."""
        return f"KeyBox(current={self._current!r}, keys={len(self._fernets)})"

    @classmethod
    def load(cls, path: Path) -> KeyBox:
        """Read the key file. Raises ConfigError when it is missing, readable by others, or malformed."""
        try:
            mode = path.stat().st_mode & 0o077
            lines = path.read_text(encoding="ascii").split("\n")
        except (OSError, UnicodeDecodeError):
            message = f"cannot read the key file {path}; run: splynx-ippay make-key"
            raise ConfigError(message) from None
        if mode & 0o007:
            message = f"the key file {path} is readable by everybody; run: chmod o= {path}"
            raise ConfigError(message)
        pairs = [line.split() for line in lines if line.strip() and not line.startswith("#")]
        if any(len(pair) != 2 for pair in pairs):  # noqa: PLR2004 - an id and a key
            message = f"the key file {path} is malformed: expected '<id> <key>' on every line"
            raise ConfigError(message)
        return cls([(pair[0], pair[1]) for pair in pairs])

    @staticmethod
    def create(path: Path) -> None:
        """Write a key file with one new key, readable by its owner only; an existing file is left alone."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"k{secrets.token_hex(3)} {Fernet.generate_key().decode()}\n")

    def encrypt(self, plain: str) -> str:
        """Encrypt a gateway token; the ciphertext names its key."""
        return f"{self._current}:{self._multi.encrypt(plain.encode()).decode()}"

    def decrypt(self, cipher: str) -> str:
        """Decrypt; ConfigError names the missing key when no key of the file fits."""
        key_id, _, body = cipher.partition(":")
        try:
            return self._multi.decrypt(body.encode()).decode()
        except InvalidToken:
            message = f"no key of the key file opens this token (it needs key {key_id[:12]!r}); restore the key file"
            raise ConfigError(message) from None

    def secret(self, purpose: str) -> bytes:
        """32 bytes derived from the current key for one purpose (sessions, for example)."""
        return self._derive(self._roots[0], purpose)

    def secrets(self, purpose: str) -> list[bytes]:
        """The same for every key of the file, the current one first: what was handed out before a rotation still fits."""
        return [self._derive(root, purpose) for root in self._roots]

    def sign(self, purpose: str, text: str) -> str:
        """A 32-hex-digit signature of the text for one purpose."""
        return self._digest(self._derive(self._roots[0], purpose), text)

    def signatures(self, purpose: str, text: str) -> list[str]:
        """The same by every key of the file, the current one first: names given before a rotation are known again."""
        return [self._digest(self._derive(root, purpose), text) for root in self._roots]

    def is_signed(self, purpose: str, text: str, signature: str) -> bool:
        """Whether any key of the file made this signature; constant time."""
        return any(hmac.compare_digest(self._digest(self._derive(root, purpose), text).encode(),
                                        signature.encode("utf-8", "replace")) for root in self._roots)

    @staticmethod
    def _digest(key: bytes, text: str) -> str:
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]

    @staticmethod
    def _derive(root: bytes, purpose: str) -> bytes:
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(root)
