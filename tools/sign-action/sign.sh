#!/usr/bin/env bash
# Signs PACKAGE_PATH through the gateway at API_ENDPOINT, as the client of CLIENT_CERTIFICATE and CLIENT_KEY (PEM), trusting TRUST_ROOT (PEM)
# alone. Optional: SIGNER, ARTEFACT_TYPE, ARTEFACT_VERSION, METADATA (a file), OUTPUT (a directory), CERT_ID (the certificate that has to be
# used). Prints what was signed as JSON and, in a GitHub workflow, writes signature_id and artefact_digest to GITHUB_OUTPUT.
set -euo pipefail
for name in PACKAGE_PATH API_ENDPOINT CLIENT_CERTIFICATE CLIENT_KEY TRUST_ROOT; do
  [ -n "${!name:-}" ] || { echo "sign.sh: $name is not set" >&2; exit 2; }
done

umask 077
secrets=$(mktemp -d)
trap 'rm -rf "$secrets"' EXIT
printf '%s\n' "$CLIENT_CERTIFICATE" > "$secrets/certificate.pem"
printf '%s\n' "$CLIENT_KEY" > "$secrets/key.pem"
printf '%s\n' "$TRUST_ROOT" > "$secrets/root.pem"

words=(sign --json --path "$PACKAGE_PATH" --type "${ARTEFACT_TYPE:-python_package}" --server "$API_ENDPOINT")
words+=(--cert "$secrets/certificate.pem" --key "$secrets/key.pem" --ca "$secrets/root.pem")
[ -z "${SIGNER:-}" ] || words+=(--signer "$SIGNER")
[ -z "${ARTEFACT_VERSION:-}" ] || words+=(--artefact-version "$ARTEFACT_VERSION")
[ -z "${METADATA:-}" ] || words+=(--metadata "$METADATA")
[ -z "${OUTPUT:-}" ] || words+=(--output "$OUTPUT")
signed=$("$(dirname "${BASH_SOURCE[0]}")/../../pki" "${words[@]}")
printf '%s\n' "$signed"

field() { printf '%s' "$signed" | sed -n "s/^  \"$1\": \"\([^\"]*\)\",\{0,1\}$/\1/p"; }
if [ -n "${CERT_ID:-}" ] && [ "$(field cert_serial)" != "${CERT_ID##*:}" ]; then
  echo "sign.sh: signed by the certificate $(field cert_serial), not by $CERT_ID" >&2
  exit 3
fi
[ -z "${GITHUB_OUTPUT:-}" ] || printf 'signature_id=%s\nartefact_digest=%s\n' "$(field signature_id)" "$(field artefact_digest)" >> "$GITHUB_OUTPUT"
