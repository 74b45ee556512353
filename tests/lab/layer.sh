#!/bin/sh
# Build one host's layer: layer.sh BASE LAYER RECIPE NODE_MODULES; the database password on stdin.
# Runs in a mount namespace of its own, so that its mounts end with it.
set -eu
base=$1 layer=$2 recipe=$3 modules=$4
work=$layer.work
rm -rf "$work" && mkdir -p "$layer" "$work/index" "$work/root"
root=$work/root
mount -t overlay overlay -o "lowerdir=$base,upperdir=$layer,workdir=$work/index" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
touch "$root/etc/resolv.conf"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
cat > "$root/etc/lab-password"

# No service starts while its package is installed.
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck disable=SC2046
chroot "$root" apt-get install -qq --yes --no-install-recommends $(cat "$recipe/packages") >/dev/null
rm "$root/usr/sbin/policy-rc.d"
cp -r --no-preserve=ownership "$recipe/root/." "$root/"
[ -z "$modules" ] || cp -r "$modules/node_modules" "$root/opt/mpanel/"
cp "$recipe/setup.sh" "$root/tmp/setup.sh"
chroot "$root" sh /tmp/setup.sh
rm "$root/etc/lab-password"
chroot "$root" apt-get clean
umount -R "$root"
rm -rf "$work"
