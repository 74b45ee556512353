# What faults do on srv1, mpanel-core and db-core.

# reload_nginx: load what is on disk, and return once no old worker serves any more.
reload_nginx() {
    nginx -q -t
    before=" $(pgrep -P "$(cat /run/nginx.pid)" | tr '\n' ' ') "
    systemctl reload nginx
    wait_until workers_are_new
}
workers_are_new() {
    now=$(pgrep -P "$(cat /run/nginx.pid)") || return 1
    for worker in $now; do
        case "$before" in *" $worker "*) return 1 ;; esac
    done
}

crash_nginx() {
    mkdir -p /etc/systemd/system/nginx.service.d
    printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=500ms\nExecStartPre=/bin/false\n' \
        > /etc/systemd/system/nginx.service.d/crash.conf
    systemctl daemon-reload
    systemctl restart nginx || true
    wait_until restarted_often
}
restarted_often() { [ "$(systemctl show -P NRestarts nginx)" -ge 4 ]; }

ecosystem=/opt/mpanel/ecosystem.config.js
# pm2 ...: as its owner, and only through the daemon that the unit started: another would outlive the host.
pm2() {
    systemctl is-active --quiet pm2-mpanel || { echo "pm2-mpanel is not active" >&2; return 1; }
    runuser -u mpanel -- env HOME=/home/mpanel PATH="$PATH" /usr/bin/pm2 "$@" >/dev/null
}
backend_answers() { curl -sS -m 2 -o /dev/null http://127.0.0.1:2271/; }
backend_healthy() { curl -sf -m 5 -o /dev/null http://127.0.0.1:2271/api/health; }
frontend_answers() { curl -sS -m 2 -o /dev/null http://127.0.0.1:2272/; }
# restart_app NAME COMMAND: as the on-call does, until COMMAND succeeds; its counter at zero. The other process goes on.
restart_app() {
    # Unless PM2 itself is gone.
    systemctl is-active --quiet pm2-mpanel || { restart_panel; return; }
    { pm2 restart "$1" && pm2 reset "$1"; } || pm2 start $ecosystem --only "$1"
    wait_until "$2"
}
# renew_app NAME COMMAND: the same, with the settings of the ecosystem file.
renew_app() {
    pm2 delete "$1" || true
    restart_app "$1" "$2"
}
# restart_panel: PM2 and both processes from the ecosystem file, counters at zero.
restart_panel() {
    systemctl stop pm2-mpanel
    # A `pm2` typed while its daemon was gone leaves a daemon outside the unit.
    pkill -KILL -u mpanel || true
    rm -f /home/mpanel/.pm2/pm2.pid /home/mpanel/.pm2/*.sock
    systemctl reset-failed pm2-mpanel || true
    systemctl start pm2-mpanel
    wait_until backend_answers
    wait_until frontend_answers
}

# sql STATEMENT...: in one session of the superuser. disconnect: end every session of mpanel_app.
sql() { printf '%s;\n' "$@" | runuser -u postgres -- psql -qAtX -v ON_ERROR_STOP=1; }
disconnect() { sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'mpanel_app'" >/dev/null; }
reload_postgres() { sql "SELECT pg_reload_conf()" >/dev/null && sleep 0.2; }
cluster=/etc/postgresql/15/main

# What a fault of the backend waits for.
listens() { listens_on 2271; }
pm2_says() { runuser -u mpanel -- env HOME=/home/mpanel PATH="$PATH" /usr/bin/pm2 jlist; }
# PM2 gives up on what dies within min_uptime; on a busy machine even Node's start takes longer than its second.
give_up_soon() {
    keep $ecosystem
    sed 's/max_restarts: 5/max_restarts: 2, min_uptime: 20000/' "/var/lib/lab$ecosystem" > $ecosystem
    pm2 delete mpanel-backend || true
    pm2 start $ecosystem --only mpanel-backend
}
errored() { pm2_says | grep -q '"status":"errored"'; }
restarted_twice() { pm2_says | grep -qE '"restart_time":([3-9]|[1-9][0-9])'; }

# What faults of the database do and wait for.
answers() { sql "SELECT 1"; }
refuses() { code=0; pg_isready -q -h 10.1.10.210 || code=$?; [ "$code" = 1 ]; }
rename_database() {
    sql "SELECT 1 FROM pg_database WHERE datname = '$1'" | grep -q 1 || return 0
    sql "ALTER DATABASE $1 ALLOW_CONNECTIONS false"
    disconnect
    wait_until sql "ALTER DATABASE $1 RENAME TO $2"
    sql "ALTER DATABASE $2 ALLOW_CONNECTIONS true"
}
# In units of their own, so that they end with the host.
session() {
    unit=$1
    systemctl is-active --quiet "$unit" ||
        systemd-run --quiet --collect --unit="$unit" --uid=postgres psql -qX -d mpanel -c "$2"
}
# end_sessions UNIT...: ending psql alone leaves its server process asleep.
end_sessions() {
    systemctl stop "$@" 2>/dev/null || true
    sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query ~ 'pg_sleep|FROM users' AND pid <> pg_backend_pid()" >/dev/null
}
# Superusers may use the reserved connections, so the holders step down to an ordinary role.
hold_connections() {
    disconnect
    for number in $(seq 17); do
        session "lab-hold-$number" "SET SESSION AUTHORIZATION mpanel_app; SELECT pg_sleep(86400)"
    done
    wait_until no_connection_left
}
no_connection_left() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")" -ge 18 ]; }
# A server that shuts down politely lets nobody in, and waits for who is there.
shut_down_slowly() {
    ! refuses || return 0
    session lab-hold "SELECT pg_sleep(86400)"
    wait_until holds_session
    disconnect
    kill -TERM "$(head -n 1 /var/lib/postgresql/15/main/postmaster.pid)"
    wait_until refuses
}
holds_session() { sql "SELECT 1 FROM pg_stat_activity WHERE query ~ '86400' AND pid <> pg_backend_pid()" | grep -q 1; }
# Logins that wait one after the other, each for 45 s at most: the oldest wait stays above 10 s and below 60 s.
lock_users() {
    session lab-lock "BEGIN; LOCK TABLE users; SELECT pg_sleep(86400)"
    wait_until holds_lock
    for later in 0 15 30; do
        systemctl is-active --quiet "lab-wait-$later" ||
            systemd-run --quiet --collect --unit="lab-wait-$later" --uid=postgres sh -c "sleep $later
                while :; do psql -qX -d mpanel -c \"SET lock_timeout = '45s'\" -c 'SELECT count(*) FROM users'; done"
    done
    wait_until waits_for_lock
}
holds_lock() { sql "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation IS NOT NULL AND granted" | grep -q 1; }
waits_for_lock() { sql "SELECT 1 FROM pg_locks WHERE NOT granted AND clock_timestamp() - waitstart > '10.5 s'" | grep -q 1; }

# What a fault of SSH does: one greeting for each connection, by systemd's own inetd.
greet_on_port_22() {
    printf '[Socket]\nListenStream=22\nAccept=yes\n' > /run/systemd/system/lab-22.socket
    printf '[Service]\nExecStart=-/bin/sh -c "echo 220 srv1 ESMTP ready; timeout 1 cat >/dev/null"\nStandardInput=socket\nStandardOutput=socket\n' \
        > /run/systemd/system/lab-22@.service
    systemctl daemon-reload
    systemctl start lab-22.socket
}
