#!/bin/sh
# The machine itself, from its first mount to its power-off: started by run.ts in mount and pid namespaces of its own, so
# that nothing of it outlives it. Descriptors 3, 4 and 5 are the guest's standard output, standard error and control line.
set -e
[ "$$" -eq 1 ] || {
  echo "$0: not to be started but by scripts/vm" >&2
  exit 2
}

# Gone with the namespace, even after SIGKILL.
run=$PEAPOD_VM_ROOT.run
mkdir -p "$run"
mount -t tmpfs -o mode=700 tmpfs "$run"
mkdir "$run/root" "$run/home"

# Binds that cannot be written to: whatever a guest does, its root's source and the project stay as they are.
mount --bind "$PEAPOD_VM_ROOT" "$run/root"
mount --bind "$PEAPOD_VM_HOME/scripts/machine" "$run/root/usr/lib/peapod-vm"
mount -o remount,bind,ro "$run/root/usr/lib/peapod-vm"
mount -o remount,bind,ro "$run/root"
mount --bind "$PEAPOD_VM_HOME" "$run/home"
mount -o remount,bind,ro "$run/home"

# For the pid files of virtiofsd, which two machines at once would quarrel about.
mount -t tmpfs -o mode=755 tmpfs /run
share() {
  "$PEAPOD_VM_VIRTIOFSD" --socket-path="$run/$1.sock" -o "source=$run/$1,cache=always" >"$run/$1.log" 2>&1 3>&- 4>&- 5>&- &
}
share root
share home
waits=0
until [ -S "$run/root.sock" ] && [ -S "$run/home.sock" ]; do
  waits=$((waits + 1))
  if [ $waits -gt 300 ]; then
    cat "$run/root.log" "$run/home.log" >&2
    echo "virtiofsd does not serve the VM's files" >&2
    exit 1
  fi
  sleep 0.1
done

memory=${PEAPOD_VM_MEMORY_MB:-3072}
# cx16=off: with it QEMU 7.2 now and then corrupts a guest's memory when several processors are emulated side by side.
exec qemu-system-x86_64 -no-user-config -nodefaults -display none -no-reboot \
  -machine q35,memory-backend=memory -accel tcg,thread=multi -cpu qemu64,cx16=off -smp "${PEAPOD_VM_CPUS:-2}" \
  -m "$memory" -object "memory-backend-memfd,id=memory,size=${memory}M,share=on" \
  -kernel "$PEAPOD_VM_ROOT/boot/vmlinuz" \
  -append "rootfstype=virtiofs root=root ro init=/usr/lib/peapod-vm/init.sh panic=-1 mitigations=off nokaslr random.trust_cpu=on quiet \
console=ttyS0 systemd.unit=peapod-vm.service systemd.show_status=no peapod_home=$PEAPOD_VM_HOME" \
  -chardev "socket,id=root,path=$run/root.sock" -device vhost-user-fs-pci,chardev=root,tag=root \
  -chardev "socket,id=home,path=$run/home.sock" -device vhost-user-fs-pci,chardev=home,tag=home \
  -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng \
  -serial stdio -device virtio-serial-pci \
  -chardev socket,id=out,fd=3 -device virtserialport,chardev=out,name=out \
  -chardev socket,id=err,fd=4 -device virtserialport,chardev=err,name=err \
  -chardev socket,id=control,fd=5 -device virtserialport,chardev=control,name=control
