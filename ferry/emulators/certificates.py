"""One self-signed certificate for the loopback TLS servers of the local stack: Key Vault and, if asked for, Azurite."""

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CLOCK_SKEW = dt.timedelta(minutes=5)
_LIFETIME = dt.timedelta(days=30)
_DNS_NAMES = ("localhost", "*.localhost")


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files: the certificate, its key, and a bundle of the machine's usual roots with the certificate added."""

    certificate_path: Path
    key_path: Path
    bundle_path: Path

    def trust_environment(self) -> dict[str, str]:
        """Variables that make requests, OpenSSL's default context and httpx trust the certificate."""
        return {"REQUESTS_CA_BUNDLE": str(self.bundle_path), "SSL_CERT_FILE": str(self.bundle_path)}


def create_certificate(folder: Path) -> Certificate:
    """Write a new certificate for 127.0.0.1 and localhost into `folder`, which should be private."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = _self_signed(key).public_bytes(serialization.Encoding.PEM)
    certificate = Certificate(folder / "cert.pem", folder / "key.pem", folder / "bundle.pem")
    certificate.certificate_path.write_bytes(pem)
    certificate.key_path.touch(mode=0o600)
    certificate.key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    certificate.bundle_path.write_bytes(_usual_roots().read_bytes().rstrip(b"\n") + b"\n" + pem)
    return certificate


def _usual_roots() -> Path:
    # Behind a proxy that re-signs TLS this variable is already set, and its roots must stay trusted.
    configured = os.environ.get("REQUESTS_CA_BUNDLE")
    return Path(configured) if configured and Path(configured).is_file() else Path(certifi.where())


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    # Not a leaf under a test CA: for a server-side copy Azurite trusts exactly the certificate that it presents.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
    )
    for extension, critical in _extensions(key.public_key()):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, hashes.SHA256())


def _extensions(public_key: ec.EllipticCurvePublicKey) -> list[tuple[x509.ExtensionType, bool]]:
    # Python 3.13 verifies strictly and refuses a root without key identifiers, usage and basic constraints.
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    addresses: list[x509.GeneralName] = [x509.DNSName(name) for name in _DNS_NAMES]
    addresses.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    return [
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (usage, True),
        (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName(addresses), False),
    ]
