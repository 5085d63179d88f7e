# shellcheck shell=sh
# Sourced by scripts/test, to see that its tests leave the machine as they found it. Others may use it meanwhile: of
# processes, cgroups and files only those count that bear our names.

# In brackets what would find the search itself.
ours='[p]eapod|/tmp/p[a-z]*-|/tmp/containerd[.]'
# What is made once for all pods, and kept: by plugins, by podman, by `ip netns`, and by peapod; and what the system mounts.
kept='^file (/run/[p]eapod(/addresses|/ports)?|/var/lib/[p]eapod(/attachments)?)$|^mount (/run/netns|/var/lib/containers/storage/overlay)$|^mount /(proc|sys|dev|run/user|run/credentials)/|^link ([p]eapod0|cni-podman0)$|^rule .*-j CNI-(HOSTPORT-DNAT|HOSTPORT-MASQ|FORWARD|ADMIN)$|^rule -A CNI-HOSTPORT-(MASQ|SETMARK) '

# One line for each thing, in order.
list_machine() {
  {
    findmnt -rno TARGET | sed 's/^/mount /'
    find /sys/fs/cgroup -type d | grep -E "$ours" | sed 's/^/cgroup /'
    find /sys/class/net -mindepth 1 -printf 'link %f\n'
    find /run/netns -mindepth 1 -printf 'namespace %f\n' 2>/dev/null
    for family in iptables ip6tables; do $family-save 2>/dev/null | sed -n 's/^-A/rule -A/p'; done
    find /tmp /run /var/lib/peapod -maxdepth 2 2>/dev/null | grep -E "$ours" | sed 's/^/file /'
    grep -lsE "$ours" /proc/[0-9]*/cmdline /proc/[0-9]*/cgroup | cut -d/ -f3 | sort -u |
      # Of a zombie nothing runs; its parent reaps it when it likes.
      while read -r pid; do ps -o pid=,args= "$pid" | sed -n '/<defunct>$/!s/^ */process /p'; done
  } | grep -Ev "$kept" | LC_ALL=C sort
}

# Prints what is there that was not when `list_machine` wrote FILE; fails where that is more than nothing.
leaves_nothing() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    left=$(list_machine | LC_ALL=C comm -13 "$1" -)
    [ -z "$left" ] && return
    # What has just ended goes within a moment.
    sleep 1
  done
  echo "$left"
  return 1
}
