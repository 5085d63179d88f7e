#!/bin/sh
# Finds the Node that was built or installed with us and hands over to it. It starts no program on the way, since the
# first container waits for it; `create` and `run --detach` go to the reaper, which starts Node itself and stays;
# plain changes of a pod that is up are asked for without Node.

self=$0
[ -L "$self" ] && self=$(readlink -f "$self")
case $self in
  /*) here=${self%/*} ;;
  */*) here=$PWD/${self%/*} ;;
  *) here=$PWD ;;
esac

# `/` is root's. Who is not root says the same again as root of a user namespace of his own (docs/rootless.md).
[ -O / ] || [ -n "${PEAPOD_USERNS-}" ] || exec "$here/peapod-rootless" "$here/peapod" "$@"

if [ -x "$here/../lib/peapod/node" ]; then
  lib=$here/../lib/peapod
  node=$lib/node
else
  lib=$here/../lib
  for node in "$here"/../../node_modules/node-linux-*/bin/node "$here"/../../../node-linux-*/bin/node; do
    [ -x "$node" ] && break
  done
fi
if [ ! -x "$node" ]; then
  echo "peapod: the Node that belongs to it is missing beside $here; run npm ci or scripts/install again" >&2
  exit 1
fi

# A manifest from standard input (`-`) needs ours, which the reaper does not hand on; several pods have a reaper each.
to_reaper=no
case ${1-} in
  create) to_reaper=yes ;;
  run)
    for word do
      case $word in
        -d | --detach) to_reaper=yes ;;
        --) break ;;
      esac
    done
    ;;
esac
if [ $to_reaper = yes ]; then
  for word do
    case $word in
      -h | --help | --dry-run | --replicas | --replicas=* | -) to_reaper=no ;;
      --) break ;;
    esac
  done
fi

case ${1-} in
  delete | stop | start | pause | resume) [ $# -le 3 ] && exec "$here/peapod-ask" "$node" "$lib/peapod.cjs" -- "$@" ;;
esac

# Node looks for an --env-file of its own in all words before `--`.
[ $to_reaper = yes ] && exec "$here/peapod-reaper" launch "$node" "$lib/peapod.cjs" -- @reaper -- "$@"
exec "$node" "$lib/peapod.cjs" -- "$@"
