"""Authorities of others that sign servers' certificates, good ones and bad ones, and what a box shows in a handshake."""

import hashlib
import ipaddress
import socket
import ssl
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PEM = serialization.Encoding.PEM
USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
USAGES = {is_authority: x509.KeyUsage(**{use: use == ("key_cert_sign" if is_authority else "digital_signature") for use in USES}) for is_authority in (False, True)}


def new_key():
    """A key as servers have it."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key, password=None):
    """A key in PEM, encrypted where a password is given."""
    closed = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, closed).decode()


def pem(*certificates):
    """Certificates in PEM, one after the other."""
    return "".join(one.public_bytes(PEM).decode() for one in certificates)


def fingerprint(certificate):
    """As the box tells it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def alternative_names(names):
    """Host names and addresses as a certificate has them."""
    def one(name):
        try:
            return x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            return x509.DNSName(name)
    return x509.SubjectAlternativeName([one(name) for name in names])


def subject(name):
    """A distinguished name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """Signs; by itself, or below another authority."""

    def __init__(self, name, above=None):
        self.name, self.key, self.above = name, new_key(), above
        self.certificate = self.make(self.key.public_key(), name, is_authority=True)

    def make(self, public_key, name, names=(), is_authority=False, begins=-1, days=90, usage=ExtendedKeyUsageOID.SERVER_AUTH):
        """A certificate: from `begins` days on for `days` days; for servers, unless something else is said. An authority's first one it signs itself."""
        signer, now = self.above if is_authority and self.above else self, datetime.now(timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject(name)).issuer_name(subject(signer.name)).public_key(public_key).serial_number(x509.random_serial_number())
                   .not_valid_before(now + timedelta(days=begins)).not_valid_after(now + timedelta(days=begins + days))
                   .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True).add_extension(USAGES[is_authority], critical=True)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False))
        if names:
            builder = builder.add_extension(alternative_names(names), critical=False)
        if not is_authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return builder.sign(signer.key, hashes.SHA256())

    def issue(self, *names, **more):
        """A server's certificate and its key; `name` is its subject's."""
        key = new_key()
        name = more.pop("name", names[0] if names else "nobody")
        return self.make(key.public_key(), name, names, **more), key

    def answer(self, request):
        """The certificate that a request in PEM asks for."""
        asked = x509.load_pem_x509_csr(request.encode())
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        told = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
        return self.make(asked.public_key(), told[0], told), asked, told


def handshake(client, authority=None, name="127.0.0.1"):
    """The server's certificate of a new connection; with an authority (PEM) it must hold for the name, as browsers look at it."""
    if authority:
        context = ssl.create_default_context(cadata=authority)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    else:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((client.host, client.port), 10) as connection, context.wrap_socket(connection, server_hostname=name) as spoken:
        return x509.load_der_x509_certificate(spoken.getpeercert(True))


def shown(client):
    """The fingerprint of what the next connection is shown."""
    return fingerprint(handshake(client))


def digest(path):
    """Of a file, to see whether it was touched."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
