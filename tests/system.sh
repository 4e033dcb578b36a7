#!/usr/bin/env bash
# Sees to the programs that tests use and pip cannot install.
# Debian as root: installed. Elsewhere: named, with what will be skipped. In CI a missing one is a failure.
set -euo pipefail

missing=0

# need COMMAND PACKAGE WHAT-IS-SKIPPED
need() {
    command -v "$1" >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing the Debian package $2 for the tests"
        install_package "$2" || echo "apt-get could not install $2" >&2
        command -v "$1" >/dev/null && return
    fi
    echo "missing: $1 (Debian package $2); skipped without it: $3" >&2
    missing=1
}

# PostgreSQL's programs are off the path in Debian. Of its package only they are wanted, never its server.
postgresql() {
    compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null || command -v "$1" >/dev/null
}

need_postgresql() {
    postgresql initdb && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        local config=/etc/postgresql-common/createcluster.conf
        mkdir -p "${config%/*}"
        [ -e "$config" ] || echo "create_main_cluster = false" >"$config"
        echo "installing the Debian package postgresql for the tests"
        install_package postgresql || echo "apt-get could not install postgresql" >&2
        postgresql initdb && return
    fi
    echo "missing: initdb (Debian package postgresql); skipped without it: the store on PostgreSQL" >&2
    missing=1
}

install_package() {
    # An answer to its questions where there is one already: the file that was put there before stays.
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Options::=--force-confold)
    { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$1"; } </dev/null >/dev/null
}

need curl curl "the commands of the README"
need openssl openssl "answers over TLS"
need chromium chromium "the pages in a browser"
need node nodejs "signing in through a real provider"
need npm npm "signing in through a real provider"
need nginx nginx "a proxy in front of the reference EHR"
need javac default-jdk-headless "the client for Java"
need docker-compose docker-compose "the check that docker-compose.yml is well formed"
need_postgresql

# The provider that tests sign in through: what its lock names, by hash, and nothing that runs while it is installed.
provider=$(dirname "$0")/web/provider
if command -v npm >/dev/null && [ "$provider/package-lock.json" -nt "$provider/node_modules/.ready" ]; then
    echo "installing the sign-in provider for the tests"
    if npm --prefix "$provider" ci --ignore-scripts --silent </dev/null; then
        touch "$provider/node_modules/.ready"
    else
        echo "npm could not install it; skipped: signing in through a real provider" >&2
        missing=1
    fi
fi

if [ "$missing" = 1 ] && [ "${CI:-}" = true ]; then
    echo "CI=true: nothing may be skipped for a missing program" >&2
    exit 1
fi
