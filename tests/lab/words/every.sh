# Words that faults use on any host. Every one may be said twice.

# keep FILE: set a copy aside, once. restore FILE: put it back, if there is one.
keep() {
    mkdir -p "/var/lib/lab$(dirname "$1")"
    [ -e "/var/lib/lab$1" ] || cp -a "$1" "/var/lib/lab$1"
}
restore() {
    [ ! -e "/var/lib/lab$1" ] || { cp -a "/var/lib/lab$1" "$1" && rm "/var/lib/lab$1"; }
}

# wait_until COMMAND...: return once it succeeds; fail after 15 s.
wait_until() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || { echo "waited too long for: $*" >&2; return 1; }
        sleep 0.05
    done
}

listens_on() { ss -Hltn "sport = :$1" | grep -q LISTEN; }
listens_all() { for port in "$@"; do listens_on "$port" || return 1; done; }
