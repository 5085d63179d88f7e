// One request to a pod's supervisor from C; docs/control-socket.md has the requests. Held by the callers that cannot
// wait for Node: peapod-ask and peapod-oci.

#ifndef PEAPOD_ASK_POD_H
#define PEAPOD_ASK_POD_H

#include <stddef.h>

/**
 * Posts `fields` (JSON members without braces, perhaps empty) and a name for the request to /v1/pod/VERB of the pod in
 * `dir`, which wakes a supervisor that sleeps; one that dies of it is asked again, by the same name. Returns the status; -1
 * where nobody is there or no answer is to be had.
 * `answer` gets what it said, as far as it fits, ended with NUL.
 */
int ask_pod(const char *dir, const char *verb, const char *fields, char *answer, size_t size);

/** A pidfd of the pod's reaper, taken before it is asked for its end, so that its pid cannot be another's. -1: none. */
int open_reaper(const char *dir);

/** The reaper ends after all else of a pod that is deleted. */
void wait_for_end(int pidfd, int timeout_ms);

#endif
