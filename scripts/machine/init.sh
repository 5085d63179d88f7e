#!/bin/sh
# The guest's first process until systemd takes over: lays memory over the two folders that come from the host and can
# only be read. If it fails the kernel panics, and the machine is off.
set -e
mount -t proc proc /proc
home=$(sed -n 's/.* peapod_home=\([^ ]*\).*/\1/p' /proc/cmdline)
modprobe -a overlay virtio_console loop

# $1: what lies below; $2: where both are seen together; $3: a name.
lay_memory_over() {
  mkdir -p "/mnt/$3-upper" "/mnt/$3-work" "$2"
  mount -t overlay -o "lowerdir=$1,upperdir=/mnt/$3-upper,workdir=/mnt/$3-work" overlay "$2"
}

mount -t tmpfs tmpfs /mnt
lay_memory_over / /mnt/new root
mkdir /mnt/home
mount -t virtiofs -o ro home /mnt/home
lay_memory_over /mnt/home "/mnt/new$home" home
units=/mnt/new/etc/systemd/system
cp /usr/lib/peapod-vm/peapod-vm.service $units/
# What no pod needs, and takes its time on an emulated processor.
for unit in systemd-udevd systemd-udev-trigger systemd-udev-load-credentials systemd-journal-flush systemd-random-seed \
  systemd-remount-fs systemd-sysusers systemd-update-done systemd-sysctl systemd-modules-load kmod-static-nodes ldconfig \
  modprobe@configfs modprobe@efi_pstore modprobe@fuse systemd-pcrphase-sysinit systemd-journal-catalog-update \
  systemd-tmpfiles-setup-dev-early systemd-hwdb-update systemd-machine-id-commit; do
  ln -s /dev/null "$units/$unit.service"
done
for unit in sys-kernel-config.mount sys-fs-fuse-connections.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  dev-hugepages.mount systemd-udevd-control.socket systemd-udevd-kernel.socket; do
  ln -s /dev/null "$units/$unit"
done
umount /proc
cd /mnt/new
mkdir -p old
pivot_root . old
exec chroot . /lib/systemd/systemd
