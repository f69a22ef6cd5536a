#!/usr/bin/env bash
# Installs what the tests of several replicas run on: redis-server, PostgreSQL, nginx and libfaketime. Debian and Ubuntu, as root;
# elsewhere it only says what is missing. None of them is started: the tests start their own.
set -euo pipefail
PATH="$PATH:/usr/sbin:/usr/local/sbin"
missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null || command -v postgres >/dev/null || missing+=(postgresql)
command -v nginx >/dev/null || missing+=(nginx)
compgen -G "/usr/lib/*/faketime/libfaketime.so.1" >/dev/null || missing+=(libfaketime)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Not installed: ${missing[*]}. Tests that need them are skipped (with CI set, they fail)." >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 # run level 1: a package starts no service
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"
