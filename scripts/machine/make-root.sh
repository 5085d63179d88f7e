# shellcheck shell=sh
# Sourced by scripts/vm: the folder that is the VM's root, made once, some 1.1 GB. Nothing in it is ever written to again.

vm_dir=${PEAPOD_VM_DIR:-/var/cache/peapod/vm}
root=$vm_dir/root
suite=trixie
mirror=${PEAPOD_VM_MIRROR:-http://deb.debian.org/debian}
# Goes up when the list below changes: then the folder is made anew.
root_version=6

has_root() {
  [ "$(cat "$root/usr/lib/peapod-vm-version" 2>/dev/null)" = $root_version ]
}

make_root() (
  set -e
  mkdir -p "$vm_dir"
  # Two that come at once make it once.
  exec 9>"$vm_dir/lock"
  flock 9
  has_root && exit 0
  enough_space
  rm -rf "$root" "$root.new"
  # Mounts and whatever else is begun in there end with this program, and are seen by nobody else.
  unshare --mount --pid --fork --kill-child --mount-proc sh -ec "$(cat <<'END'
    root=$1 suite=$2 mirror=$3
    include=systemd,dbus,udev,runc,iproute2,nftables,containernetworking-plugins,busybox-static,kmod,procps,curl,ca-certificates
    debootstrap --variant=minbase --include=$include "$suite" "$root" "$mirror"
    mount -t proc proc "$root/proc"
    # No service may be started in there: it would be the host's.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    export DEBIAN_FRONTEND=noninteractive
    chroot "$root" apt-get install -qq --no-install-recommends crun podman conmon containerd criu libc6-dev musl-tools binutils e2fsprogs uidmap passt slirp4netns dbus-user-session libpam-systemd python3 skopeo umoci buildah netavark docker-registry
    cd "$root/var/cache/apt"
    # Unpacked, not installed: an installed one wants an initrd, and a way to boot.
    kernel=$(chroot "$root" apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*-cloud-amd64\)$/\1/p')
    chroot "$root" sh -c "cd /var/cache/apt && apt-get download -qq $kernel"
    dpkg -x linux-image-*.deb kernel
    cp -a kernel/boot/vmlinuz-* "$root/boot/vmlinuz"
    cp -a kernel/usr/lib/modules "$root/usr/lib/" 2>/dev/null || cp -a kernel/lib/modules "$root/usr/lib/"
    rm -rf kernel ./*.deb archives/*.deb
    chroot "$root" depmod "$(ls "$root/usr/lib/modules")"
    umount "$root/proc"
    mkdir -p "$root/usr/lib/peapod-vm"
    # Each machine has its own; systemd makes it.
    : >"$root/etc/machine-id"
    echo peapod-vm >"$root/etc/hostname"
END
)" sh "$root.new" "$suite" "$mirror"
  echo $root_version >"$root.new/usr/lib/peapod-vm-version"
  mv "$root.new" "$root"
)

enough_space() {
  free=$(df --output=avail -B1M "$vm_dir" | tail -n 1)
  [ "$free" -ge 2000 ] && return
  echo "$vm_dir: has $free MB free, a VM's root folder needs 2000; PEAPOD_VM_DIR names another place"
  return 1
}
