"""The command line: `vcc-pki-client enrol|renew|show|verify`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Sequence

from .artefact.signer_trust import ArtefactTrust
from .artefact.trust_policy import read_trust_policy
from .client import VCCPKIClient
from .errors import PkiError
from .identity_files import Identity
from .pem import certificates_in, lists_in
from .verify_artefact import VerifiedArtefact, verify_artefact
from .x509.revocation import RevocationEvidence

REFUSED, USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. 0: done; 1: refused, with the reason on standard error; 2: not a command."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except PkiError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vcc-pki-client", description="The identity of a service, and artefacts that were signed."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    enrol = commands.add_parser("enrol", help="obtain the first certificate with an enrolment token")
    _add_identity(enrol)
    enrol.add_argument("--token-file", required=True, help="a file with the token, or - for standard input")
    enrol.add_argument("--ca-fingerprint", required=True, help="SHA-256 of the root certificate, in hex")
    enrol.add_argument("--dns", action="append", default=[], help="a name the token was made for; may be repeated")
    enrol.add_argument("--ip", action="append", default=[], help="an address the token was made for; may be repeated")
    enrol.set_defaults(run=_enrol)

    renew = commands.add_parser("renew", help="obtain the next certificate, when two thirds of the life of this one are over")
    _add_identity(renew)
    renew.add_argument("--now", action="store_true", help="whether it is time or not")
    renew.set_defaults(run=_renew)

    show = commands.add_parser("show", help="the certificate in force")
    _add_identity(show)
    show.set_defaults(run=_show)

    verify = commands.add_parser("verify", help="whether a signed artefact may be used; asks nobody")
    verify.add_argument("path")
    verify.add_argument("--policy", required=True, help="a trust policy, in JSON")
    verify.add_argument("--trust", required=True, help="trust/bundle-with-crls.pem: roots, authorities and revocation lists")
    verify.add_argument("--signature", help="what vouches for it, when it is not beside it")
    verify.add_argument("--lang", choices=("en", "de"), default="en")
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(run=_verify)
    return parser


def _add_identity(command: argparse.ArgumentParser) -> None:
    command.add_argument("service")
    command.add_argument("--organization", required=True)
    command.add_argument("--pki-url", help="default: PKI_SERVER_URL of the environment, else https://localhost:8443")
    command.add_argument("--storage", default="./pki_client", help="files are in STORAGE/SERVICE (default: ./pki_client)")


def _client(options: argparse.Namespace) -> VCCPKIClient:
    return VCCPKIClient(options.service, options.organization, pki_url=options.pki_url, storage_path=options.storage)


def _enrol(options: argparse.Namespace) -> int:
    # Not as an argument: those stand in the list of processes.
    token = sys.stdin.read() if options.token_file == "-" else Path(options.token_file).read_text("utf-8")
    client = _client(options)
    client.enrol(token.strip(), options.ca_fingerprint, options.dns, options.ip)
    return _print_identity(client, client.get_identity())


def _renew(options: argparse.Namespace) -> int:
    client = _client(options)
    if options.now:
        client.renew()
    else:
        client.renew_if_due()
    return _print_identity(client, client.get_identity())


def _show(options: argparse.Namespace) -> int:
    client = _client(options)
    return _print_identity(client, client.get_identity())


def _print_identity(client: VCCPKIClient, identity: Identity) -> int:
    certificate = identity.certificate
    facts = {
        "identity": ", ".join(certificate.names.uri),
        "names": ", ".join((*certificate.names.dns, *certificate.names.ip)),
        "serial_number": certificate.serial_hex,
        "good until": certificate.not_after.isoformat(),
        "renewed from": identity.renew_at.isoformat(),
        **client.get_certificate_paths(),
    }
    for name, value in facts.items():
        print(f"{name:14} {value}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    octets = Path(options.trust).read_bytes()
    certificates = certificates_in(octets)
    roots = [certificate for certificate in certificates if certificate.is_self_issued]
    trust = ArtefactTrust(roots, roots, certificates, RevocationEvidence(lists_in(octets)))
    policy = read_trust_policy(options.policy)
    verified = verify_artefact(options.path, trust, policy, signature_file=options.signature)
    if options.json:
        print(json.dumps(_as_json(verified), indent=2, ensure_ascii=False))
    else:
        for verdict in verified.verdicts:
            reason = "" if verdict.reason is None else f"  {verdict.code}: {getattr(verdict.reason, options.lang)}"
            print(f"{'ok' if verdict.ok else 'NO':3}{verdict.name}{reason}")
    return 0 if verified.ok else REFUSED


def _as_json(verified: VerifiedArtefact) -> dict[str, object]:
    return {
        "ok": verified.ok,
        "artefact_digest": verified.artefact_digest,
        "signer": verified.signer.identity.uri if verified.signer else None,
        "signed_at": verified.signed_at.isoformat() if verified.signed_at else None,
        "verdicts": [{"name": v.name, "ok": v.ok, "code": v.code, "detail": v.detail} for v in verified.verdicts],
    }


if __name__ == "__main__":
    sys.exit(main())
