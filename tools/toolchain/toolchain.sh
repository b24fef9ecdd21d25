# Sourced by ./pki with ROOT set: puts Node >= 26, pnpm 12 and the Debian packages in place, once. Every step is idempotent
# and silent when there is nothing to do.
NODE_VERSION=26.10.0
PNPM_VERSION=12.21.0
TOOLCHAIN="$ROOT/.toolchain"
DEBIAN_PACKAGES=(softhsm2:softhsm2-util nats-server:nats-server openssl:openssl g++:g++ make:make python3:python3)

say() { printf '\033[2m%s\033[0m\n' "$*" >&2; }

# One at a time: the second of two that start together waits, and finds everything in place.
setup() {
  mkdir -p "$TOOLCHAIN"
  exec 9>"$TOOLCHAIN/lock"
  flock 9
  debian_packages
  node_and_pnpm
  workspace
  exec 9>&-
}

# Everything that runs here and is not from npm. g++, make and python3 build the PKCS#11 binding.
debian_packages() {
  local missing=() entry
  for entry in "${DEBIAN_PACKAGES[@]}"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${entry#*:}" >/dev/null || missing+=("${entry%%:*}")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local install="apt-get install -y --no-install-recommends ${missing[*]}" sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo="sudo -n"; else
      echo "Debian packages are missing. Please run:  sudo apt-get update && sudo $install" >&2
      exit 1
    fi
  fi
  say "installing Debian packages: ${missing[*]}"
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo $install >"${TMPDIR:-/tmp}/pki-apt.log" 2>&1 || {
    tail -n 20 "${TMPDIR:-/tmp}/pki-apt.log" >&2
    echo "installing failed. Please run:  sudo $install" >&2
    exit 1
  }
}

# What the tests of libs/client-python need. Where it cannot be had, they say that they were skipped.
PYTHON_PACKAGES=(python3-cryptography python3-httpx python3-fastapi python3-uvicorn python3-pytest)
python_packages() {
  /usr/bin/python3 -c 'import cryptography, httpx, fastapi, uvicorn, pytest' 2>/dev/null && return
  local sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
  say "installing Debian packages: ${PYTHON_PACKAGES[*]}"
  { $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends "${PYTHON_PACKAGES[@]}"; } \
    >"${TMPDIR:-/tmp}/pki-apt.log" 2>&1 || say "they cannot be installed: tests in Python are skipped"
}

# The machine's Node when it is new enough, else one from npm; pnpm always pinned, from npm.
node_and_pnpm() {
  local arch packages=()
  case "$(uname -m)" in aarch64 | arm64) arch=arm64 ;; *) arch=x64 ;; esac
  local node_dir="$TOOLCHAIN/node_modules/node-linux-$arch"
  if [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -lt 26 ]; then
    [ -x "$node_dir/bin/node" ] && [ "$("$node_dir/bin/node" --version)" = "v$NODE_VERSION" ] \
      || packages+=("node-linux-$arch@$NODE_VERSION")
  else
    node_dir=$(dirname "$(dirname "$(node -p process.execPath)")")
  fi
  grep -qs "\"version\": \"$PNPM_VERSION\"" "$TOOLCHAIN/node_modules/pnpm/package.json" || packages+=("pnpm@$PNPM_VERSION")
  if [ ${#packages[@]} -gt 0 ]; then
    say "installing ${packages[*]} into .toolchain/"
    npm install --prefix "$TOOLCHAIN" --no-audit --no-fund --loglevel=error "${packages[@]}" >&2
  fi
  export PATH="$node_dir/bin:$TOOLCHAIN/node_modules/.bin:$ROOT/node_modules/.bin:$PATH"
  # node-gyp finds the headers beside that Node instead of downloading them.
  [ -d "$node_dir/include/node" ] && export npm_config_nodedir="$node_dir"
  export NODE_COMPILE_CACHE="$TOOLCHAIN/compile-cache" TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1
}

# Dependencies by the lock file, then the code generated from proto/. Skipped when neither has changed.
workspace() {
  local stamp="$TOOLCHAIN/installed"
  if [ ! -e "$stamp" ] || [ ! -d "$ROOT/node_modules" ] || ! cmp -s "$ROOT/pnpm-lock.yaml" "$stamp"; then
    say "installing dependencies"
    pnpm --dir "$ROOT" install --frozen-lockfile --reporter=append-only >"$TOOLCHAIN/install.log" 2>&1 || {
      tail -n 40 "$TOOLCHAIN/install.log" >&2
      exit 1
    }
    cp "$ROOT/pnpm-lock.yaml" "$stamp"
  fi
  local generated
  generated=$(find "$ROOT/proto" -name gen -prune -o -name node_modules -prune -o -type f \( -name '*.proto' -o -name 'buf*.yaml' \) -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum)
  if [ ! -d "$ROOT/proto/gen" ] || [ "$generated" != "$(cat "$TOOLCHAIN/generated" 2>/dev/null)" ]; then
    say "generating code from proto/"
    turbo run generate --cwd "$ROOT" --output-logs=errors-only >"$TOOLCHAIN/generate.log" 2>&1 || {
      cat "$TOOLCHAIN/generate.log" >&2
      exit 1
    }
    echo "$generated" >"$TOOLCHAIN/generated"
  fi
}
