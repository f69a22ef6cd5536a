#!/usr/bin/env bash
# Installs the browsers of tests/browser/engines: Firefox, and WebKitGTK with its driver and a screen for it; with the argument
# `firefox` only that. Debian and Ubuntu, as root; elsewhere it only says what is missing. Chromium is installed by
# tests/browser/install.py.
set -euo pipefail
missing=()
command -v firefox-esr >/dev/null || command -v firefox >/dev/null || missing+=(firefox-esr)
if [ "${1:-}" != firefox ]; then
  command -v WebKitWebDriver >/dev/null || missing+=(webkit2gtk-driver)
  command -v xvfb-run >/dev/null || missing+=(xvfb xauth)
fi
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Not installed: ${missing[*]}. Tests that need them are skipped." >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
  echo "Not installed: ${missing[*]} (no such package here?). Tests that need them are skipped." >&2
