#!/bin/sh
# Installs Debian packages that are missing, for the tests that need them:
#     tests/needs.sh PACKAGE...
# Several tests may call this at once: whoever comes second waits. Needs root, or sudo without a password.
set -eu
missing=""
for package in "$@"; do
    dpkg-query --show --showformat '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
echo "installing$missing" >&2
# PostgreSQL's package would start a server of its own.
$as_root mkdir -p /etc/postgresql-common
$as_root sh -c '[ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf'
lock="-o DPkg::Lock::Timeout=600"
exec 9>"${TMPDIR:-/tmp}/poolcast-needs.lock"
flock 9
# shellcheck disable=SC2086
{
    $as_root apt-get $lock update -q >&2
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get $lock install -yq --no-install-recommends $missing >&2
}
