#!/usr/bin/env bash
# Format, lint, types, protos, import rule. Called by ./pki check, which has put the toolchain on the PATH.
set -uo pipefail
failed=0
step() {
  local name=$1
  shift
  if output=$("$@" 2>&1); then
    echo "ok    $name"
  else
    echo "FAIL  $name"
    echo "$output" | tail -n 60
    failed=$((failed + 1))
  fi
}
# The protos of the newest release tag are the contract; before the first release there is nothing to break.
buf_breaking() {
  local release
  release=$(git describe --tags --match 'v*' --abbrev=0 2>/dev/null) || { echo "no release yet"; return 0; }
  (cd proto && buf breaking --against "../.git#tag=$release,subdir=proto")
}
step "format and lint (biome)" biome ci --error-on-warnings .
step "types (tsc --build)" tsc --build
step "protos (buf lint)" sh -c 'cd proto && buf lint'
step "protos (buf breaking)" buf_breaking
step "structure (imports, compose file, service configurations)" vitest run --project structure
[ $failed -eq 0 ] || { echo "$failed checks failed"; exit 1; }
