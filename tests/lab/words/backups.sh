# What faults do on pve.

share=/mnt/windows-backup
share_answers() { mountpoint -q $share && [ "$(ls $share/srv1 | grep -c zst$)" = 10 ]; }
newest() { ls -t /srv/share/"$1"/*.zst | head -n 1; }
# only_backups NUMBERS: of srv1, those of so many rounds ago; nothing new comes.
only_backups() {
    systemctl stop make-backups.timer
    rm -rf /srv/share/srv1
    SERVERS=srv1 NUMBERS=$1 make-backups
}
mend_backups() {
    systemctl kill --signal=CONT windows-backup 2>/dev/null || true
    mount -o remount,size=2t /srv/share
    rm -rf /srv/share/srv1 /srv/share/srv2
    mountpoint -q $share || systemctl restart windows-backup
    make-backups
    systemctl start make-backups.timer
    wait_until share_answers
}
# resize_newest SIZE: as if it had been made so.
resize_newest() {
    dump=$(newest srv1)
    at=$(stat -c %Y "$dump")
    truncate -s "$1" "$dump"
    touch -d "@$at" "$dump"
}
# fail_newest: as vzdump leaves a machine that it could not back up: a log, and no dump.
fail_newest() {
    at=$(date '+%F %T')
    failed=/srv/share/srv1/vzdump-qemu-101-$(date +%Y_%m_%d-%H_%M_%S).log
    cat > "$failed" <<LOG
$at INFO: Starting Backup of VM 101 (qemu)
$at ERROR: Backup of VM 101 failed - job failed with err -5 - Input/output error
LOG
}
# leave_unfinished: as vzdump names a dump that it still writes, five rounds old.
leave_unfinished() {
    begun=$(ls -t /srv/share/srv1/*.zst | sed -n 5p)
    left=/srv/share/srv1/vzdump-qemu-101-$(date -d "$(stat -c %y "$begun") - 1 hour" +%Y_%m_%d-%H_%M_%S).vma.dat
    truncate -s 7G "$left"
    touch -r "$begun" "$left"
}
fill_share() { mount -o remount,size=$(($(df --output=used -k /srv/share | tail -n 1) + 4))k /srv/share; }
