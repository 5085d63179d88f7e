#!/bin/bash
# In the guest, once systemd is up: gets the command by the control line, runs it, hands its output and its exit status
# to the host. However it ends, the machine ends with it.
set -e

port() {
  for known in /sys/class/virtio-ports/*; do
    if [ "$(cat "$known/name")" = "$1" ]; then
      echo "/dev/${known##*/}"
      return
    fi
  done
  return 1
}

exec 5<>"$(port control)"
echo ready >&5
read -r words <&5
mkdir -p /run/peapod-vm
base64 -d <<<"$words" >/run/peapod-vm/command
mkfifo /run/peapod-vm/out /run/peapod-vm/err
# What a command writes to is a pipe, as on the host: a port can be opened once only.
cat /run/peapod-vm/out >"$(port out)" &
out=$!
cat /run/peapod-vm/err >"$(port err)" &
err=$!
# As a job, it is a process group of its own; without, it would not hear SIGINT.
set -m
/bin/bash /run/peapod-vm/command </dev/null >/run/peapod-vm/out 2>/run/peapod-vm/err 5>&- &
command=$!
set +m
while read -r signal <&5; do kill -s "$signal" -- "-$command"; done &
status=0
wait $command || status=$?
# A process that it left may hold the other end for ever.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  kill -0 $out 2>/dev/null || kill -0 $err 2>/dev/null || break
  sleep 0.3
done
echo "exit $status" >&5
