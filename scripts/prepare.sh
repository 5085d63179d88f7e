# shellcheck shell=sh
# Sourced by the other scripts: brings a fresh Debian to where peapod can be built. What is there already is not
# touched, and nothing is said but one line for each part, unless it fails.

# Where the caller stands, for the paths that it names.
# shellcheck disable=SC2034
caller_dir=$PWD
home=$(cd "$(dirname "$0")/.." && pwd)
cd "$home" || exit 1
part_log=$(mktemp)
trap 'rm -f "$part_log"' EXIT
# dash runs no EXIT trap when a signal ends it.
trap 'exit 130' INT TERM HUP

# Runs a command as a part of the work: `==> NAME (1.2 s)`; all it said is shown only if it fails.
part() {
  part_name=$1
  shift
  part_start=$(date +%s%N)
  # Named before it begins: on a fresh machine the first ones take a minute.
  printf '==> %s ' "$part_name"
  if "$@" >"$part_log" 2>&1; then part_status=0; else part_status=$?; fi
  part_tenths=$((($(date +%s%N) - part_start) / 100000000))
  part_time="$((part_tenths / 10)).$((part_tenths % 10)) s"
  if [ $part_status -eq 0 ]; then
    echo "($part_time)"
  else
    echo "failed ($part_time)"
    cat "$part_log"
  fi
  return $part_status
}

must_be_root() {
  [ "$(id -u)" -eq 0 ] && return
  echo "$0: needs root, since it makes namespaces, mounts and cgroups: sudo $0" >&2
  exit 1
}

is_there() {
  command -v "$1" >/dev/null 2>&1
}

install_missing() {
  missing=
  is_there runc || missing="$missing runc"
  [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || missing="$missing busybox-static"
  # A program that is linked with it takes an eighth of the memory of one with glibc, and each pod runs several.
  is_there musl-gcc || missing="$missing musl-tools"
  # musl-tools brings a cc along, but not what it needs to compile anything by itself.
  [ -e /usr/include/errno.h ] || missing="$missing libc6-dev"
  # Debian 13's musl-tools brings a compiler without its assembler.
  is_there as || missing="$missing binutils"
  is_there unshare || missing="$missing util-linux"
  is_there mount || missing="$missing mount"
  is_there ip || missing="$missing iproute2"
  # Pods have addresses by these.
  [ -x /opt/cni/bin/bridge ] || [ -x /usr/lib/cni/bridge ] || [ -x /usr/libexec/cni/bridge ] ||
    missing="$missing containernetworking-plugins"
  is_there iptables || missing="$missing iptables"
  is_there ps || missing="$missing procps"
  # Who pull images, and unpack them.
  is_there skopeo || missing="$missing skopeo"
  is_there umoci || missing="$missing umoci"
  is_there curl || missing="$missing curl ca-certificates"
  # Only to fetch packages: what runs peapod is the Node among them.
  [ -d node_modules ] && has_packages || is_there npm || missing="$missing nodejs npm"
  install_packages_of_debian "$missing"
}

install_packages_of_debian() {
  [ -z "$1" ] && return
  is_there apt-get || {
    echo "missing:$1; there is no apt-get to install them with"
    return 1
  }
  apt-get update -qq
  # Waits for others who install: a machine that has just come up often upgrades itself.
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -o DPkg::Lock::Timeout=300 --no-install-recommends $1
}

has_packages() {
  cmp -s package-lock.json node_modules/.peapod-lock
}

install_packages() {
  has_packages && return
  # npm 11 runs no install scripts, and none is needed; older ones are told.
  npm ci --ignore-scripts --no-audit --no-fund && cp package-lock.json node_modules/.peapod-lock
}

find_node() {
  node=
  for candidate in node_modules/node-linux-*/bin/node; do
    [ -x "$candidate" ] && "$candidate" -e 0 2>/dev/null && node=$home/$candidate
  done
  [ -n "$node" ] && return
  echo "no Node in node_modules that runs on $(uname -m)" >&2
  return 1
}

# All that is needed before anything can be run.
prepare() {
  part "install what is missing" install_missing || exit 1
  part "install packages" install_packages || exit 1
  find_node || exit 1
  part "generate" "$node" scripts/generate.ts || exit 1
  part "build" "$node" scripts/build.ts || exit 1
}
