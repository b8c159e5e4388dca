#!/usr/bin/env bash
# Runs every check, or the named ones: tests/run.sh [STEP [COUNT]…]
#
# COUNT says how many histories `histories` tries instead of 20.
#
# Needs Rust (with rustfmt and clippy), Python 3.10 or later, Node 20 or later, and Go. What else it
# needs goes below target/, but for rclone, s3cmd and chromium, which come from Debian's packages where
# this runs as root. A step whose tools can't be had is skipped, and said so; with CI=true it fails.
set -uo pipefail

cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-$PWD/target}"
ci="${CI:-false}"
tools="$target/tools"
venvs="$target/venv"
export STOWGATE_BIN="${STOWGATE_BIN:-$target/release/stowgate}"
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}" PYTHONDONTWRITEBYTECODE=1

steps=(fmt clippy doc build test deny boto3 boto3-2024 access isolation sts encryption wire forms rules admin cli aws-cli node
  debian kill memory image upstream migration apps histories)
# The status of a step that was left out.
skipped=77
# The real server behind gateways.
versitygw=v1.8.0

skip() {
  echo "skipped: $*"
  return "$skipped"
}

# Runs apt-get where that is possible at all.
debian_packages() {
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    return 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -q "$@" >"$target/apt.log" 2>&1 ||
    { apt-get update -q && apt-get install -y -q "$@"; } >"$target/apt.log" 2>&1 ||
    { tail -n 5 "$target/apt.log"; return 1; }
}

# Makes the Python environment of a requirements file, once for each content of it: venv NAME [FILE]
venv() {
  local requirements="${2:-tests/clients/requirements/$1.txt}" home="$venvs/$1"
  if cmp -s "$requirements" "$home/requirements.txt"; then
    return
  fi
  rm -rf "$home"
  if ! python3 -m venv "$home" 2>"$target/venv.log"; then
    debian_packages python3-venv && python3 -m venv "$home" || { cat "$target/venv.log"; return 1; }
  fi
  "$home/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" || return 1
  cp "$requirements" "$home/requirements.txt"
}

suite() {
  local python="$venvs/$1/bin/python"
  shift
  "$python" -m pytest -c tests/pytest.ini --tb=short "$@"
}

step_fmt() { cargo fmt --check; }

step_clippy() { cargo clippy --quiet --locked --all-targets -- -D warnings; }

step_doc() { RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --no-deps; }

step_build() { cargo build --quiet --locked --release --bin stowgate; }

step_test() { cargo test --quiet --locked; }

# The advisory database is not fetched here; it is a step of its own where it can be reached.
step_deny() {
  local deny="$tools/bin/cargo-deny"
  command -v cargo-deny >/dev/null && deny=cargo-deny
  if ! command -v "$deny" >/dev/null; then
    if [ "$ci" != true ]; then
      skip "cargo-deny is not here; cargo install cargo-deny --locked --root $tools"
      return
    fi
    cargo install --quiet cargo-deny --version 0.20.2 --locked --root "$tools" || return 1
  fi
  "$deny" --log-level error check licenses bans sources
}

step_boto3() { venv boto3-current && suite boto3-current tests/clients/sdk; }

# Short-lived credentials, by boto3's and botocore's own means and by the AWS CLI.
step_sts() {
  venv boto3-current && venv awscli || return 1
  STOWGATE_AWS_CLI="$venvs/awscli/bin/aws" suite boto3-current tests/clients/sts
}

# Policies, ACLs, and what takes them away again.
step_access() { venv boto3-current && suite boto3-current tests/clients/access; }

# Companies' keys, in every mode.
step_isolation() { upstreams && suite boto3-current tests/clients/isolation; }

# From before January 2025, when checksums became the default. Without the native signer, too.
step_boto3-2024() { venv boto3-2024 && suite boto3-2024 tests/clients/sdk; }

step_wire() { venv boto3-current && suite boto3-current tests/clients/wire; }

# What the disk holds, and whose keys open it.
step_encryption() { venv boto3-current && suite boto3-current tests/clients/encryption; }

# Browser uploads; curl and Node take part where they are installed.
step_forms() { venv boto3-current && suite boto3-current tests/clients/forms; }

# ClamAV's daemon: this machine's, else out of Debian's packages.
scanner() {
  local home="$tools/clamav" libraries
  STOWGATE_CLAMD="$(PATH="/usr/sbin:$PATH" command -v clamd)" && export STOWGATE_CLAMD && return
  if [ ! -x "$home/clamd" ]; then
    command -v apt-cache >/dev/null && libraries="$(libraries_of clamav-daemon)" || return 1
    unpack "$home" clamav-daemon $libraries || return 1
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' \
      "$(printf '%s:' "$home"/usr/lib/*-linux-gnu)" "$home/usr/sbin/clamd" >"$home/clamd"
    chmod +x "$home/clamd"
  fi
  "$home/clamd" --help >/dev/null && export STOWGATE_CLAMD="$home/clamd"
}

# The packages of libraries that a package and its own library need, so far as they are not installed.
libraries_of() {
  local name
  for name in $(needed "$1" | sort -u) $(needed $(needed "$1" | grep "^lib${1%%-*}") | sort -u); do
    dpkg-query --status "$name" >/dev/null 2>&1 || echo "$name"
  done
}

needed() { apt-cache depends "$@" | sed -n 's/^ *Depends: \(lib.*\)$/\1/p'; }

# Upload rules: with a stand-in for ClamAV's daemon, and with the daemon itself.
step_rules() {
  venv boto3-current || return 1
  if ! scanner; then
    [ "$ci" != true ] || return 1
    echo "skipped: ClamAV's daemon, which comes with Debian's package clamav-daemon"
  fi
  suite boto3-current tests/clients/rules
}

# A Prometheus server and its promtool: those of this machine, else out of Debian's package.
scraper() {
  local home="$tools/prometheus"
  if ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null; then
    [ -x "$home/usr/bin/prometheus" ] || unpack "$home" prometheus || return 1
    PATH="$home/usr/bin:$PATH"
  fi
  STOWGATE_PROMETHEUS="$(command -v prometheus)" && STOWGATE_PROMTOOL="$(command -v promtool)" &&
    "$STOWGATE_PROMETHEUS" --version >/dev/null 2>&1 && export STOWGATE_PROMETHEUS STOWGATE_PROMTOOL
}

# Unpacks Debian's packages below a directory: they are not installed, so that nothing is started.
unpack() {
  local home="$1" log="$target/apt.log" package
  shift
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
  rm -rf "$home" && mkdir -p "$home/package" || return 1
  (
    cd "$home/package" || exit 1
    apt-get download -q "$@" >"$log" 2>&1 ||
      { [ "$(id -u)" = 0 ] && apt-get update -q && apt-get download -q "$@"; } >"$log" 2>&1
  ) || { tail -n 5 "$log"; return 1; }
  for package in "$home"/package/*.deb; do
    dpkg -x "$package" "$home" || return 1
  done
  rm -r "$home/package"
}

# The side API, by hand, by schemathesis, and as a Prometheus server reads it.
step_admin() {
  venv boto3-current && venv schemathesis || return 1
  cargo build --quiet --locked --release --manifest-path tests/proxy/Cargo.toml \
    --target-dir "$target" || return 1
  if ! scraper; then
    [ "$ci" != true ] || return 1
    echo "skipped: a Prometheus server and promtool, which come with Debian's package prometheus"
  fi
  STOWGATE_FAULT_PROXY="$target/release/stowgate-fault-proxy" \
    STOWGATE_SCHEMATHESIS="$venvs/schemathesis/bin/schemathesis" \
    suite boto3-current tests/clients/admin
}

step_cli() {
  upstreams && suite boto3-current tests/clients/cli
}

step_aws-cli() {
  venv boto3-current && venv awscli || return 1
  STOWGATE_AWS_CLI="$venvs/awscli/bin/aws" suite boto3-current tests/clients/aws_cli
}

step_node() {
  local home="$target/node"
  if ! command -v npm >/dev/null; then
    skip "npm is not installed"
    return
  fi
  mkdir -p "$home"
  if ! cmp -s tests/clients/node/package-lock.json "$home/installed.json"; then
    cp tests/clients/node/package.json tests/clients/node/package-lock.json "$home/"
    (cd "$home" && npm ci --no-audit --no-fund --loglevel=error) || return 1
    cp "$home/package-lock.json" "$home/installed.json"
  fi
  rm -f "$home"/*.mjs
  cp tests/clients/node/*.mjs "$home/"
  (export PYTHONPATH="$PWD/tests/harness" && cd "$home" && python3 -m with_gateway node --test)
}

step_debian() {
  local missing=()
  command -v rclone >/dev/null || missing+=(rclone)
  command -v s3cmd >/dev/null || missing+=(s3cmd)
  if [ "${#missing[@]}" != 0 ] && ! debian_packages "${missing[@]}"; then
    skip "${missing[*]} is not installed, and only root on Debian can install it here"
    return
  fi
  venv boto3-current && suite boto3-current tests/clients/debian
}

step_kill() { venv boto3-current && suite boto3-current tests/kill; }

step_memory() { venv boto3-current && suite boto3-current tests/memory; }

step_image() { venv boto3-current && suite boto3-current tests/image; }

# The fault proxy, and the S3 servers that stand behind gateways. Without Go there is none that
# is real; the others are tested with.
upstreams() {
  venv boto3-current && venv moto || return 1
  cargo build --quiet --locked --release --manifest-path tests/proxy/Cargo.toml \
    --target-dir "$target" || return 1
  export STOWGATE_FAULT_PROXY="$target/release/stowgate-fault-proxy"
  export STOWGATE_MOTO_PYTHON="$venvs/moto/bin/python"
  export STOWGATE_VERSITYGW="$tools/bin/versitygw-$versitygw"
  if [ ! -x "$STOWGATE_VERSITYGW" ]; then
    install_versitygw && return
    [ "$ci" != true ] || return 1
    echo "skipped: versitygw, which takes Go 1.25 or later and its module proxy"
  fi
}

install_versitygw() {
  command -v go >/dev/null || return 1
  GOFLAGS='' GOBIN="$tools/bin" go install \
    "github.com/versity/versitygw/cmd/versitygw@$versitygw" 2>"$target/versitygw.log" ||
    { tail -n 5 "$target/versitygw.log"; return 1; }
  mv "$tools/bin/versitygw" "$STOWGATE_VERSITYGW"
}

# Several at once: most of the time passes in waiting for outages to be noticed and to end.
step_upstream() {
  upstreams && venv awscli || return 1
  STOWGATE_AWS_CLI="$venvs/awscli/bin/aws" \
    suite boto3-current --numprocesses=4 --dist=worksteal tests/proxy tests/clients/upstream
}

step_migration() { upstreams && suite boto3-current tests/clients/migration; }

# A web server, unpacked so that nothing is started, and a browser.
web_server() {
  STOWGATE_NGINX="$(command -v nginx || command -v /usr/sbin/nginx || echo "$tools/nginx/usr/sbin/nginx")"
  [ -x "$STOWGATE_NGINX" ] || unpack "$tools/nginx" nginx || return 1
  "$STOWGATE_NGINX" -v 2>/dev/null && export STOWGATE_NGINX
}

browser() {
  command -v chromium >/dev/null || debian_packages --no-install-recommends chromium || return 1
  STOWGATE_CHROMIUM="$(command -v chromium)" && export STOWGATE_CHROMIUM
}

# The applications, with nothing but their endpoint and keys changed.
step_apps() {
  local name
  upstreams || return 1
  for name in videovote makeplus psc; do
    venv "app-$name" "tests/apps/$name/requirements.txt" || return 1
  done
  if ! web_server; then
    [ "$ci" != true ] || return 1
    echo "skipped: what stands behind nginx, which comes with Debian's package nginx"
  fi
  if ! browser; then
    [ "$ci" != true ] || return 1
    echo "skipped: what a browser does, which takes Debian's package chromium"
  fi
  STOWGATE_VENVS="$venvs" suite boto3-current --numprocesses=3 --dist=loadfile tests/apps
}

step_histories() {
  upstreams || return 1
  local seed="${STOWGATE_HISTORY_SEED:-$((RANDOM << 9 | RANDOM >> 6))}"
  STOWGATE_HISTORIES="${counts[histories]:-20}" STOWGATE_HISTORY_SEED="$seed" \
    suite boto3-current --numprocesses=2 tests/histories
}

declare -A counts=()
[ "$#" = 0 ] || steps=()
for word in "$@"; do
  if [[ "$word" =~ ^[0-9]+$ ]] && [ "${#steps[@]}" != 0 ]; then
    counts["${steps[-1]}"]="$word"
  else
    steps+=("$word")
  fi
done
for name in "${steps[@]}"; do
  if ! declare -F "step_$name" >/dev/null; then
    echo "no step $name" >&2
    exit 2
  fi
done

mkdir -p "$target"
passed=() failed=() left_out=()
for name in "${steps[@]}"; do
  echo "=== $name"
  began=$SECONDS
  "step_$name"
  status=$?
  took="$((SECONDS - began)) s"
  if [ "$status" = "$skipped" ] && [ "$ci" != true ]; then
    left_out+=("$name")
    echo "--- $name skipped"
  elif [ "$status" = 0 ]; then
    passed+=("$name")
    echo "--- $name passed, $took"
  else
    failed+=("$name")
    echo "--- $name FAILED, $took"
  fi
done

echo
[ "${#left_out[@]}" = 0 ] || echo "skipped: ${left_out[*]}"
[ "${#failed[@]}" = 0 ] || echo "failed: ${failed[*]}"
echo "${#passed[@]} passed, ${#failed[@]} failed"
[ "${#failed[@]}" = 0 ]
