"""A device without a password: Hikvision's exchange of keys, and the first password.

The client sends its RSA modulus; the device answers with a random key that only the client can read; the client sends the password,
encrypted with it:

  POST /ISAPI/Security/challenge  <PublicKey><key>B64(hex(modulus))</key></PublicKey>
  answer                          <Challenge><key>B64(hex(RSA-PKCS1v1.5(32 hexadecimal characters)))</key></Challenge>
  PUT /ISAPI/System/activate      <ActivateInfo><password>B64(hex(AES-128-ECB(challenge[:16] + password padded with zeros)))</password></ActivateInfo>

The exponent is 65537; the AES key is the challenge read as hexadecimal.
"""

import base64
import binascii
import re
import secrets

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

EXPONENT = 65537


class ActivationError(ValueError):
    """The exchange went wrong; the text is ISAPI's subStatusCode."""


class Activation:
    """The exchange on one device."""

    def __init__(self):
        self.challenge = None

    def begin(self, key):
        """The answer to a public key: the new challenge, encrypted."""
        try:
            modulus = int(base64.b64decode(key, validate=True).decode("ascii"), 16)
            public = rsa.RSAPublicNumbers(EXPONENT, modulus).public_key()
        except ValueError as error:
            raise ActivationError("badParameters") from error
        if public.key_size < 1024:
            raise ActivationError("badParameters")
        self.challenge = secrets.token_hex(16)
        sealed = public.encrypt(self.challenge.encode(), padding.PKCS1v15())
        return base64.b64encode(binascii.hexlify(sealed)).decode()

    def finish(self, text):
        """The password that the client chose."""
        challenge, self.challenge = self.challenge, None
        if not challenge:
            raise ActivationError("challengeMissing")
        return opened(challenge, text)


def opened(challenge, text):
    """The password in a client's answer to a challenge."""
    try:
        sealed = binascii.unhexlify(base64.b64decode(text, validate=True))
        cipher = Cipher(algorithms.AES(bytes.fromhex(challenge)), modes.ECB()).decryptor()
        plain = cipher.update(sealed) + cipher.finalize()
    except ValueError as error:
        raise ActivationError("badParameters") from error
    if plain[:16] != challenge[:16].encode():
        raise ActivationError("badParameters")
    password = plain[16:].rstrip(b"\0").decode("utf-8", "replace")
    if not strong(password):
        raise ActivationError("riskPassword")
    return password


def strong(password):
    """Whether a device takes the password: 8 to 16 characters of at least two kinds."""
    kinds = sum(bool(re.search(kind, password)) for kind in (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]"))
    return 8 <= len(password) <= 16 and kinds >= 2
