# What faults do to pve's pools.

pools_answer() { [ "$(zpool list -Hp -o health | sort -u)" = ONLINE ] && [ "$(zpool list -H | wc -l)" = 2 ]; }
fill_pool() { dd if=/dev/zero of=/clients-main/ballast bs=1M count=208 status=none && wait_until pool_is_full; }
pool_is_full() { [ "$(zpool list -Hp -o capacity clients-main)" -ge 81 ]; }
# spoil_disk: one of two copies is lost, and a scrub finds it out.
spoil_disk() {
    dd if=/dev/zero of=/srv/disks/clients-main.1 bs=1M seek=2 count=252 conv=notrunc status=none
    zpool scrub clients-main
    wait_until scrubbed
}
scrubbed() { zpool status clients-main | grep -q 'scrub repaired'; }
