# What faults do on dns-core, and on the resolver with the second server and the registries.

zones="migrahosting.com migrapanel.com elizefoundation.org holisticgroupllc.com"
# serial_of ZONE SERVER: what dig says of errors is no serial.
serial_of() { dig +short +time=1 +tries=1 "@$2" SOA "$1" | cut -d ' ' -f 3 | grep -x '[0-9]*'; }
names_answer() { for zone in $zones; do serial_of "$zone" "$1" >/dev/null || return 1; done; }
# A second server that came up before the first is told to ask again.
secondary_answers() {
    names_answer 10.1.10.104 || { retrieve_zones; return 1; }
    names_answer 10.1.10.103
}
second_control() { pdns_control --config-name=ns2 --socket-dir=/run/pdns-ns2 "$@" >/dev/null; }
retrieve_zones() { for zone in $zones; do second_control retrieve "$zone"; done; }

# change_zone ZONE SED...: load the zone as sed leaves it, under a higher serial, and wait for the second server.
change_zone() {
    zone=$1
    before=$(serial_of "$zone" 127.0.0.1 || echo 0)
    serial=$(date +%s)
    [ "$serial" -gt "$before" ] || serial=$((before + 1))
    load_zone "$@"
    pdns_control notify "$zone" >/dev/null
    wait_until secondary_has "$zone"
}
secondary_has() { [ "$(serial_of "$1" 10.1.10.104)" = "$(serial_of "$1" 127.0.0.1)" ]; }
# change_alone ZONE SED...: under a higher serial, and the second server is told, but not waited for.
change_alone() {
    serial=$(($(serial_of "$1" 127.0.0.1) + 10))
    load_zone "$@"
    pdns_control notify "$1" >/dev/null
}
# change_first ZONE SED...: the same on the first server alone, under the serial that it has; nobody is told.
change_first() {
    serial=$(serial_of "$1" 127.0.0.1)
    load_zone "$@"
}
load_zone() {
    zone=$1
    shift
    sed -E -e "s/ [0-9]+ 3600 / $serial 3600 /" "$@" "/etc/lab/zones/$zone.zone" > "/run/lab-$zone.zone"
    pdnsutil load-zone "$zone" "/run/lab-$zone.zone" >/dev/null 2>&1
    pdnsutil set-kind "$zone" primary >/dev/null 2>&1
    pdns_control purge "$zone\$" >/dev/null
}
# mend_zones ZONE...: as they were, everywhere.
mend_zones() {
    systemctl is-active --quiet pdns || restart_pdns
    for changed in "$@"; do change_zone "$changed"; done
}
restart_pdns() {
    systemctl kill --signal=CONT pdns 2>/dev/null || true
    systemctl reset-failed pdns || true
    systemctl restart pdns
    wait_until names_answer 10.1.10.102
}
# delete_zone ZONE: on the first server alone.
delete_zone() {
    pdnsutil delete-zone "$1" >/dev/null 2>&1 || true
    pdns_control purge "$1\$" >/dev/null
}
pdns_conf=/etc/powerdns/pdns.d/lab.conf
# break_pdns SETTING: a restart with it; it may not come up.
break_pdns() {
    keep $pdns_conf
    sed "/^${1%%=*}=/d" "/var/lib/lab$pdns_conf" > $pdns_conf
    echo "$1" >> $pdns_conf
    mkdir -p /etc/systemd/system/pdns.service.d
    # Debian's unit would try for ever.
    printf '[Service]\nRestart=no\n' > /etc/systemd/system/pdns.service.d/lab.conf
    systemctl daemon-reload
    systemctl restart pdns || wait_until systemctl is-failed --quiet pdns
}
mend_pdns() {
    restore $pdns_conf
    rm -f /etc/systemd/system/pdns.service.d/lab.conf
    systemctl daemon-reload
    restart_pdns
}
# lose_database: another has its tables now, and ours none.
# For some seconds after a start or a change PowerDNS looks for zones to tell of, and ends if it cannot.
lose_database() {
    sleep 5
    sqlite3 /var/lib/powerdns/pdns.sqlite3 "ALTER TABLE records RENAME TO records_old" 2>/dev/null || true
}
find_database() {
    sqlite3 /var/lib/powerdns/pdns.sqlite3 "ALTER TABLE records_old RENAME TO records" 2>/dev/null || true
    restart_pdns
}
# spoil_zone ZONE: what the database has of it can no longer be read.
spoil_zone() {
    sqlite3 /var/lib/powerdns/pdns.sqlite3 "UPDATE records SET content = 'ns1.migrahosting.com' WHERE type = 'SOA' AND name = '$1'"
    pdns_control purge "$1\$" >/dev/null
}
# quoted TEXT: as strings of a zone file.
quoted() { echo "$1" | fold -w 250 | sed 's/.*/"&"/' | tr '\n' ' '; }
# key_record BITS: the DKIM record of a key that nobody signs with.
key_record() { echo "v=DKIM1; k=rsa; p=$(openssl genrsa "$1" 2>/dev/null | openssl pkey -pubout | grep -v -- ---- | tr -d '\n')"; }

# forget_zone ZONE: the second server does not serve it any more.
forget_zone() {
    pdnsutil --config-name=ns2 delete-zone "$1" >/dev/null 2>&1 || true
    second_control purge "$1\$"
}
remember_zones() {
    systemctl kill --signal=CONT pdns@ns2 2>/dev/null || true
    systemctl is-active --quiet pdns@ns2 || systemctl restart pdns@ns2
    for zone in $zones; do
        pdnsutil --config-name=ns2 list-zone "$zone" >/dev/null 2>&1 ||
            pdnsutil --config-name=ns2 create-secondary-zone "$zone" 10.1.10.102 >/dev/null 2>&1
    done
    retrieve_zones
    wait_until names_answer 10.1.10.104
    unbound-control flush_infra all >/dev/null
}
# change_registry FILE SED...: what the world is told. Its servers answer on meanwhile: a registry is never gone.
change_registry() {
    file=$1
    shift
    keep "/etc/lab/$file"
    sed -E "$@" "/var/lib/lab/etc/lab/$file" > "/etc/lab/$file"
    reload_registry "$file"
}
mend_registry() {
    systemctl stop pdns@away
    for file in /etc/lab/*.zone; do
        restore "$file"
        reload_registry "${file##*/}"
    done
}
reload_registry() {
    zone=${1%.zone}
    [ "$zone" != root ] || zone=.
    pdns_control --config-name=registry --socket-dir=/run/pdns-registry bind-reload-now "$zone" >/dev/null
    wait_until names_registered
}
names_registered() { [ -n "$(dig +short +time=1 +tries=1 @192.5.6.30 com SOA | grep -v '^;')" ]; }

policy=/srv/web/mta-sts.migrapanel.com/.well-known/mta-sts.txt
# change_policy SED...: the MTA-STS policy as sed leaves it. hide_policy: there is none where it should be.
change_policy() {
    keep $policy
    sed -E "$@" "/var/lib/lab$policy" > $policy
}
hide_policy() {
    keep $policy
    rm -f $policy
}
mend_policy() { restore $policy; }
