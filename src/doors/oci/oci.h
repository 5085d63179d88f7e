// What the parts of peapod-oci share: oci.c chooses who answers a call, bundle.c finds out whether it is about a pod, pod.c
// about which, create.c makes it, calls.c and exec.c do what is asked of it, waiting.c is the process that stands for it.

#ifndef PEAPOD_OCI_H
#define PEAPOD_OCI_H

#include "command-line.h"
#include "json.h"
#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

enum { MAX_WORDS = 4096 };

// oci.c
extern struct call call;

// words.c
/** As runc tells it: a line in its log, and the sentence on stderr. Returns runc's exit code for it. */
__attribute__((format(printf, 1, 2))) int complain(const char *format, ...);
/** False where it does not fit. */
__attribute__((format(printf, 3, 4))) int joined(char *out, size_t size, const char *format, ...);

// files.c
/** A link's target. False: there is none. */
int read_link(const char *path, char *out, size_t size);
/** All of it, for the caller to free; NULL: it cannot be read. */
char *read_file(const char *path);
/** The beginning of a file of the kernel's, whose size cannot be asked for. False: there is none. */
int read_some(const char *path, char *text, size_t size);
/** Whole, or not at all; with the mode and the owner of what stood there. */
int replace_file(const char *path, const char *text, size_t length);

// programs.c
/** The real runtime: the one that is named, else the first on the PATH that is not us. */
_Noreturn void become(char **argv);
/** The call is the runtime's own business. */
_Noreturn void pass(void);
int wait_for(pid_t pid);
/** A program to its end, with our own descriptors; NULL: the runtime. A caller that kills us means it as well. */
int run(const char *program, char **argv);
/** The runtime on this container, with the call's own global flags. */
int run_verb(const char *verb, const char *option);
/** Beside us: in dist/ of a checkout, or below a prefix. */
int find_beside(const char *pattern, char *out, size_t size);
int find_node(char *node, char *script, size_t size, const char *name);
/** The command line does what a supervisor cannot be asked for: there is none, or it needs a new reaper first. */
int run_peapod(const char *verb, const char *option);

// pod.c
/** Of the pod: its name, its directory, and that of its sandbox. */
extern char pod[NAME_MAX + 1], pod_dir[PATH_MAX], sandbox[PATH_MAX];
const char *peapod_root(void);
int sandbox_file(char *out, const char *name);
/** The container's own id, or as much of it as Docker and podman show, where no other caller's pod has that name. */
int name_pod(int is_new);
int marker_path(char *out, size_t size);
/** True where a create of this container was killed between its steps, so that no marker leads to what it left. */
int find_left_over(void);
/** True where the call's container is a pod of ours. */
int find_pod(void);
/** The sandbox's process, as runc wrote it down; 0: none that runs. */
pid_t sandbox_pid(void);

// bundle.c
/** The last value of a variable (`NAME=`) in a process's environment; `out` stays as it is where there is none. */
void find_env(struct span process, const char *name, char *out, size_t size);
/** 1: a pod, whose manifest lies at `host_path`; 0: none; -1: a pod was asked for that is not there (told). */
int find_manifest(struct span config, const char *bundle, char *inside, char *host_path, size_t size);
/** The caller's config, but that it runs us; NULL where it is no config. */
char *make_sandbox_config(const char *text, struct span config, size_t *length);

// create.c
int create(void);
void remove_sandbox(void);
/** All that is left of the pod, however it ended. Returns 0, or what it could not do was told. */
int delete_pod(void);

// calls.c
int start(void);
int kill_pod(void);
int delete(void);
int run_pod(void);

// exec.c
int exec_in_member(void);

// waiting.c
/** Waits for the pod's result and ends with it. Reaps what the caller's own programs in the container leave. */
int wait_for_result(void);
/** What exec.c found out of the pod's readiness, said where its caller looks for it. */
int tell_readiness(char **argv);

#endif
