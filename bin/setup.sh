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
  [ "$(id -u)" = 0 ] || give_up "packages are missing; as root: apt-get install --no-install-recommends ${missing[*]}"
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
  local python stamp=.venv/.stamp
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(venv_stamp)" ]; then return 0; fi
  say "Python packages into .venv"
  rm -f "$stamp"
  if ! .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python="$(find_python)"
    if [ -z "$python" ]; then
      need_packages python3 python3-venv
      python="$(find_python)"
    fi
    [ -n "$python" ] || give_up "Python 3.11 or later that can make a venv is needed; install one, with its venv package"
    "$python" -m venv --clear .venv || give_up "$python could not make .venv"
  fi
  .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock \
    || give_up "pip could not install requirements.lock"
  .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable . 2>/dev/null \
    || .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --editable . \
    || give_up "pip could not install the project itself"
  venv_stamp >"$stamp"
}

# venv_stamp: what .venv is made of: the lock, the project's description and the Python in it.
venv_stamp() {
  { cat requirements.lock pyproject.toml && .venv/bin/python --version; } 2>&1 | sha256sum
}

# find_python: the first Python here that is new enough and can make a venv; nothing when there is none.
find_python() {
  local python
  for python in python3.11 python3.12 python3.13 python3 /usr/bin/python3; do
    if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$python"
      return 0
    fi
  done
}

# need_assets: what browsers load, by bin/assets.
need_assets() {
  [ -x bin/assets ] || return 0
  local vendor=daemon/web/static/vendor before
  if ! command -v npm >/dev/null; then
    if bin/assets 2>/dev/null; then return 0; fi
    need_packages nodejs npm
  fi
  before="$(stat -c %z "$vendor" 2>/dev/null || true)"
  bin/assets || give_up "bin/assets failed; 'npm install --ignore-scripts --no-package-lock' says why"
  [ "$before" = "$(stat -c %z "$vendor")" ] || say "page assets fetched into $vendor"
}

# need_asterisk 22|16: a system's or installable asterisk (22 only), or else a Debian tree with that Asterisk, in the cache.
need_asterisk() {
  local suite root candidate
  case "$1" in
    22) suite=sid ;;
    16) suite=bullseye ;;
    *) give_up "need_asterisk: 22 or 16, not $1" ;;
  esac
  root="$WORKORDERD_CACHE/asterisk-$1"
  [ ! -x "$root/usr/sbin/asterisk" ] || return 0
  if [ "$1" = 22 ] && command -v asterisk >/dev/null; then return 0; fi
  [ "$(id -u)" = 0 ] || give_up "Asterisk $1 is missing and only root can set it up; once, as root with the same" \
    "XDG_CACHE_HOME or HOME: bash -c '. bin/setup.sh; need_asterisk $1'"
  update_packages
  if [ "$1" = 22 ]; then
    candidate="$(apt-cache policy asterisk)"
    if grep -qE '^ +Candidate: ([0-9]+:)?2[2-9]\.' <<<"$candidate"; then
      need_packages asterisk
      return 0
    fi
  fi
  need_packages debootstrap debian-archive-keyring
  need_suite "$suite"
  mkdir -p "$WORKORDERD_CACHE"
  # One build at a time: who waited finds the tree made.
  (flock 9 && make_tree "$1" "$suite" "$root") 9>"$root.lock" || exit 1
}

# make_tree VERSION SUITE ROOT: the tree, made beside its place and moved there when it is complete.
make_tree() {
  local log="$3.log" partial="$3.partial" mount
  [ ! -x "$3/usr/sbin/asterisk" ] || return 0
  say "Asterisk $1 from Debian $2, about a minute; log: $log"
  # An interrupted build may have left /proc and the like mounted.
  while read -r mount; do
    umount "$mount" || give_up "$mount is still mounted, from an interrupted build; unmount it and start again"
  done < <(awk -v under="$partial/" 'index($2, under) == 1 { print $2 }' /proc/self/mounts | sort -r)
  rm -rf --one-file-system "$partial" "$3" || give_up "could not remove what an interrupted build left: $partial, $3"
  # shellcheck disable=SC2046
  if ! debootstrap --variant=minbase --include=asterisk "$2" "$partial" $(debian_mirror) >"$log" 2>&1 9>&-; then
    tail -n 5 "$log" >&2
    if grep -qiE 'signature|keyring|public key|expired' "$log"; then
      give_up "this machine's keys do not vouch for Debian $2: install a current debian-archive-keyring"
    fi
    give_up "debootstrap of Debian $2 failed; see $log"
  fi
  [ -x "$partial/usr/sbin/asterisk" ] || give_up "debootstrap of Debian $2 brought no asterisk; see $log"
  mv -T "$partial" "$3" || give_up "could not move $partial to $3"
}

# need_suite SUITE: make sure debootstrap knows it; all of Debian's suites share one script.
need_suite() {
  local scripts=/usr/share/debootstrap/scripts
  [ -e "$scripts/$1" ] || ln -s sid "$scripts/$1"
}

# debian_mirror: the mirror that apt uses for Debian itself here; nothing when it names none. Apt is asked, since other
# publishers' addresses may end in /debian too.
debian_mirror() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null \
    | awk '$1 == "Debian" && $2 == "Debian" && $3 ~ /^https?:/ && !found { print $3; found = 1 }' || true
}

# need_chromium: Debian's browser, for the tests of the pages, and a font with Chinese in it for the pictures.
need_chromium() {
  need_packages chromium fonts-wqy-zenhei
}

# need_postfix: Debian's mail server, of which tests start private ones; the system's own is left as it is.
need_postfix() {
  [ -x /usr/sbin/postfix ] || DEBIAN_FRONTEND=noninteractive need_packages postfix
}

# need_sipp: SIPp, for callers on a real telephone protocol.
need_sipp() {
  command -v sipp >/dev/null || need_packages sip-tester
}

# need_helpdesk: django-helpdesk in a venv of its own in the cache, to be measured beside ours.
need_helpdesk() {
  local home="$WORKORDERD_CACHE/helpdesk" lock=bench/helpdesk/requirements.lock python=.venv/bin/python stamp
  stamp="$({ cat "$lock" && "$python" --version; } | sha256sum)"
  if [ "$(cat "$home/.stamp" 2>/dev/null)" = "$stamp" ]; then return 0; fi
  say "django-helpdesk into $home"
  "$python" -m venv --clear "$home" || give_up "$python could not make $home"
  "$home/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock" \
    || give_up "pip could not install $lock"
  printf '%s\n' "$stamp" >"$home/.stamp"
}
