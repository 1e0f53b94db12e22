// libseccomp's action macros and its variadic rule call, which Swift cannot import.
#pragma once
#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>

static inline uint32_t gatehouse_seccomp_refuse(void) { return SCMP_ACT_ERRNO(EPERM); }
static inline int gatehouse_seccomp_allow_own(scmp_filter_ctx context, uint64_t process) {
    int code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, process));
    if (code != 0) return code;
    return seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0));
}
// A thread of the process itself, never another process; clone3, whose flags no filter sees, must look absent for glibc to use clone.
static inline int gatehouse_seccomp_allow_threads(scmp_filter_ctx context) {
    const uint64_t thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
    int code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
    return code != 0 ? code : seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}
static inline int gatehouse_seccomp_allow(scmp_filter_ctx context, const char *name) {
    int number = seccomp_syscall_resolve_name(name);
    return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(context, SCMP_ACT_ALLOW, number, 0);
}
