#!/bin/sh
# Sees to it that there is a Chromium for the page tests; where it may not install one, says what to do.
for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing chromium for the page tests"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null && exit 0
fi
echo "No Chromium found, so the page tests are skipped (in CI they fail): install one, or set CHROMIUM to its path" >&2
