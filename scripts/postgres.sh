#!/bin/sh
# Sees to it that there is a PostgreSQL for the tests of the source sql; where it may not install one, says what to do.
command -v initdb >/dev/null 2>&1 && exit 0
for found in /usr/lib/postgresql/*/bin/initdb; do
    [ -x "$found" ] && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing postgresql for the tests of the source sql"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null && exit 0
fi
echo "No PostgreSQL found, so the tests that ask one are skipped (in CI they fail): install it (Debian, Ubuntu: apt-get install postgresql)" >&2
