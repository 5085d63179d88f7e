// peapod-oci: a drop-in for runc. Decides in microseconds whether a call concerns a pod, and becomes runc where it does
// not. A bundle that carries a pod manifest is created by runc as its caller asked, only that its container runs us
// (waiting.c) instead of its own program: it is the caller's own child, and ends with the pod's result. The
// members are made by the pod's supervisor, in that container's namespaces and below its cgroup. See docs/pod-image.md.

#include "oci.h"
#include <string.h>
#include <unistd.h>

struct call call;

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[0], "/.peapod/sandbox") == 0) return tell_readiness(argv);
  if (argc == 1 && strcmp(argv[0], "/.peapod/sandbox") == 0) return wait_for_result();
  int is_read = read_call(argc, argv, &call);
  call.argv = argv;
  // Without being root there are no pods of ours.
  if (!is_read || argc > MAX_WORDS - 8 || geteuid() != 0) pass();
  switch (call.command) {
    case CREATE: return create();
    case RUN: return run_pod();
    case START: return find_pod() ? start() : (pass(), 1);
    case KILL: return find_pod() ? kill_pod() : (pass(), 1);
    case DELETE: return find_pod() || find_left_over() ? delete() : (pass(), 1);
    case EXEC: return find_pod() ? exec_in_member() : (pass(), 1);
    case CHECKPOINT:
      if (find_pod()) return complain("container %s: is a pod, which cannot be checkpointed: its container is its caller's", call.id);
      pass();
    case RESTORE:
    case OTHER: pass();
  }
}
