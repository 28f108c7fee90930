# Set-up in steps, to be sourced by the scripts of bin/ from the project's folder. Each function brings one thing about
# and is quick when it is there already. Debian 12, Debian unstable or Ubuntu; root where packages are missing.
# shellcheck shell=bash

WORKORDERD_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/workorderd"

say() { printf '== %s\n' "$*" >&2; }

give_up() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# need_packages PACKAGE...: install those that are missing.
need_packages() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || give_up "these packages are missing, and only root can install them: ${missing[*]}"
  update_packages
  say "installing ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null \
    || give_up "apt-get could not install: ${missing[*]}"
}

# update_packages: refresh apt's lists, once a run.
update_packages() {
  [ -z "${WORKORDERD_UPDATED:-}" ] || return 0
  say "apt-get update"
  apt-get update -qq || say "apt-get update had complaints; going on with the lists there are"
  WORKORDERD_UPDATED=1
}

# need_venv: .venv with the exact, hashed packages of requirements.lock and this project itself, editable.
need_venv() {
  local python=python3 stamp=.venv/.workorderd
  local wanted
  wanted="$(cat requirements.lock pyproject.toml | sha256sum)"
  if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return 0; fi
  command -v $python >/dev/null || need_packages python3
  $python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || give_up "Python 3.11 or later is needed; here is $($python --version)"
  $python -c 'import ensurepip, venv' 2>/dev/null || need_packages python3-venv
  say "Python packages into .venv"
  [ -x .venv/bin/python ] || $python -m venv .venv || give_up "no venv could be made"
  .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock \
    || give_up "pip could not install requirements.lock"
  .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable . 2>/dev/null \
    || .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --editable . \
    || give_up "pip could not install the project itself"
  printf '%s\n' "$wanted" >"$stamp"
}

# need_assets: what browsers load, by bin/assets.
need_assets() {
  [ -x bin/assets ] || return 0
  command -v npm >/dev/null || need_packages npm
  bin/assets
}

# need_asterisk 22|16: a system's or installable asterisk (22 only), or else a Debian tree with that Asterisk, in the cache.
need_asterisk() {
  local suite root log
  case "$1" in
    22) suite=sid ;;
    16) suite=bullseye ;;
    *) give_up "need_asterisk: 22 or 16, not $1" ;;
  esac
  root="$WORKORDERD_CACHE/asterisk-$1"
  [ ! -x "$root/usr/sbin/asterisk" ] || return 0
  if [ "$1" = 22 ]; then
    if command -v asterisk >/dev/null; then return 0; fi
    update_packages
    if apt-cache policy asterisk | grep -qE '^ +Candidate: ([0-9]+:)?2[2-9]\.'; then need_packages asterisk; return 0; fi
  fi
  [ "$(id -u)" = 0 ] || give_up "only root can make the tree for Asterisk $1 (debootstrap, chroot)"
  need_packages debootstrap
  need_suite "$suite"
  mkdir -p "$WORKORDERD_CACHE"
  log="$root.log"
  say "Asterisk $1 from Debian $suite, about a minute; log: $log"
  rm -rf --one-file-system "$root.partial"
  # shellcheck disable=SC2046
  if ! debootstrap --variant=minbase --include=asterisk "$suite" "$root.partial" $(debian_mirror) >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    if grep -qiE 'signature|keyring|public key|expired' "$log"; then
      give_up "this machine's keys do not vouch for Debian $suite: install a current debian-archive-keyring"
    fi
    give_up "debootstrap of Debian $suite failed; see $log"
  fi
  mv "$root.partial" "$root"
}

# need_suite SUITE: make sure debootstrap knows it; all of Debian's suites share one script.
need_suite() {
  local scripts=/usr/share/debootstrap/scripts
  [ -e "$scripts/$1" ] || ln -s sid "$scripts/$1"
}

# debian_mirror: the mirror that apt uses for Debian itself here; nothing when none is named.
debian_mirror() {
  local lines
  lines="$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true)"
  grep -E '^(deb |URIs:)' <<<"$lines" | grep -m 1 -oE 'https?://[^ ]+/debian/?( |$)' || true
}

# need_chromium: Debian's browser, for the tests of the pages, and a font with Chinese in it for the pictures.
need_chromium() {
  need_packages chromium fonts-wqy-zenhei
}

# need_sipp: SIPp, for callers on a real telephone protocol.
need_sipp() {
  command -v sipp >/dev/null || need_packages sip-tester
}
