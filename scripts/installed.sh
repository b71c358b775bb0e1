#!/bin/sh
# Sees to it that the tests find a program that pip cannot bring; where it may not install one, says what to do.
#   installed.sh PACKAGE "WHAT FOR" PROGRAM...     a name, or a path (which may be a pattern), of which one is enough
package=$1 purpose=$2
shift 2
for name in "$@"; do
    for found in $name; do
        command -v "$found" >/dev/null 2>&1 && exit 0
    done
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing $package for $purpose"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package"; } >/dev/null && exit 0
fi
echo "There is no $package, so $purpose are skipped (in CI they fail): install it (Debian, Ubuntu: apt-get install $package)" >&2
