// Linux calls that Glibc's Swift overlay lacks: variadic functions and names behind _GNU_SOURCE.
#pragma once
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <unistd.h>

static inline int gatehouse_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }
static inline int gatehouse_limit_arenas(int count) { return mallopt(M_ARENA_MAX, count); }
static inline int gatehouse_sync_file_system(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }
static inline int gatehouse_trim_heap(void) { return malloc_trim(0); }
static inline int gatehouse_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
static inline int gatehouse_no_core_dump(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
static inline int gatehouse_limit(int resource, unsigned long long soft, unsigned long long hard) {
    struct rlimit limit = {(rlim_t)soft, (rlim_t)hard};
    return setrlimit((__rlimit_resource_t)resource, &limit);
}
static inline int gatehouse_limit_memory(unsigned long long bytes) { return gatehouse_limit(RLIMIT_AS, bytes, bytes); }
static inline int gatehouse_limit_data(unsigned long long bytes) { return gatehouse_limit(RLIMIT_DATA, bytes, bytes); }
static inline int gatehouse_limit_cpu(unsigned long long seconds) { return gatehouse_limit(RLIMIT_CPU, seconds, seconds); }
static inline int gatehouse_limit_file_size(void) { return gatehouse_limit(RLIMIT_FSIZE, 0, 0); }
static inline int gatehouse_limit_core_dump(void) { return gatehouse_limit(RLIMIT_CORE, 0, 0); }
static inline int gatehouse_lower_priority(int nice_value) { return setpriority(PRIO_PROCESS, 0, nice_value); }
static inline int gatehouse_open_directory(const char *path) { return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }
static inline int gatehouse_close_on_exec(int descriptor) { return fcntl(descriptor, F_SETFD, FD_CLOEXEC); }
static inline int gatehouse_close_from(unsigned first) {
#ifdef SYS_close_range
    return (int)syscall(SYS_close_range, first, ~0U, 0);
#else
    (void)first;
    return -1;
#endif
}
static inline int gatehouse_pipe(int ends[2]) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }
static inline void gatehouse_set_pipe_size(int descriptor, int bytes) {
#ifdef F_SETPIPE_SZ
    fcntl(descriptor, F_SETPIPE_SZ, bytes);
#else
    fcntl(descriptor, 1031 /* F_SETPIPE_SZ */, bytes);
#endif
}
