#!/usr/bin/env bash
# Format, lint, types, protos, import rule. Called by ./pki check, which has put the toolchain on the PATH.
set -uo pipefail
passed=0 failed=0
step() {
  local name=$1
  shift
  if output=$("$@" 2>&1); then
    echo "ok    $name"
    passed=$((passed + 1))
  else
    echo "FAIL  $name"
    echo "$output" | tail -n 60
    failed=$((failed + 1))
  fi
}
step "format and lint (biome)" biome ci --colors=off --error-on-warnings .
step "types (tsc --build)" tsc --build
step "protos (buf lint)" sh -c 'cd proto && buf lint'
# proto/baseline.binpb is the contract as last released.
step "protos (buf breaking)" sh -c 'cd proto && buf breaking --against baseline.binpb'
step "structure (imports, compose file, service configurations)" vitest run --project structure
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
