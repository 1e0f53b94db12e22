import CLinux
import CSeccomp
import Foundation

/// What a worker gives up before it looks at a camera's bytes: files, network, processes, and more memory and time than it was given.
enum Sandbox {
    /// What a worker calls after its start; everything else fails with EPERM.
    private static let allowed = [
        "read", "readv", "write", "writev", "close", "fstat", "lseek", "ppoll", "poll",
        "mmap", "munmap", "mremap", "mprotect", "madvise", "brk",
        "futex", "futex_waitv", "sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "gettid", "getpid",
        "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "set_robust_list", "rseq", "membarrier",
        "clock_gettime", "clock_nanosleep", "clock_getres", "gettimeofday", "nanosleep", "getrandom", "getrusage", "sysinfo",
        "exit", "exit_group", "restart_syscall",
    ]

    /// Lowers the priority and lets the kernel take this process first when memory ends.
    static func lowerPriority(nice: Int32) {
        _ = gatehouse_lower_priority(nice)
        try? Data("600".utf8).write(to: URL(fileURLWithPath: "/proc/self/oom_score_adj"))
    }

    /// Closes everything but the pipes, sets the limits and drops the rest; there is no way back.
    ///
    /// `devices` keeps an already opened hardware encoder usable; `threads` lets an encoder start some that works with nothing less.
    /// - Throws: `WorkerFailure` when the kernel grants less than asked: a worker without its walls does not work.
    static func enter(memoryBytes: UInt64, cpuSeconds: Int?, devices: Bool, threads: Bool = false) throws(WorkerFailure) {
        if !devices { _ = gatehouse_close_from(3) }
        guard gatehouse_limit_memory(memoryBytes) == 0, gatehouse_limit_file_size() == 0, gatehouse_limit_core_dump() == 0,
            gatehouse_no_core_dump() == 0, gatehouse_no_new_privileges() == 0
        else { throw WorkerFailure(.refused, "limits were refused (errno \(errno))") }
        if let cpuSeconds, gatehouse_limit_cpu(UInt64(cpuSeconds)) != 0 {
            throw WorkerFailure(.refused, "the processor limit was refused (errno \(errno))")
        }
        guard let filter = seccomp_init(gatehouse_seccomp_refuse()) else { throw WorkerFailure(.refused, "no seccomp filter") }
        defer { seccomp_release(filter) }
        // Threads that the runtime has started are bound as well.
        guard seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 else {
            throw WorkerFailure(.refused, "seccomp cannot bind all threads")
        }
        for name in devices ? allowed + ["ioctl", "dup"] : allowed {
            guard gatehouse_seccomp_allow(filter, name) == 0 else { throw WorkerFailure(.refused, "seccomp refused \(name)") }
        }
        guard !threads || gatehouse_seccomp_allow_threads(filter) == 0 else { throw WorkerFailure(.refused, "seccomp refused a rule") }
        // Signals to itself and looks at its own limits, nobody else's.
        guard gatehouse_seccomp_allow_own(filter, UInt64(getpid())) == 0 else { throw WorkerFailure(.refused, "seccomp refused a rule") }
        guard seccomp_load(filter) == 0 else { throw WorkerFailure(.refused, "seccomp could not be loaded") }
    }

    /// Whether the walls stand: a file and a socket must be refused.
    static func holds() -> Bool {
        let file = open("/etc/hostname", O_RDONLY)
        if file >= 0 { return false }
        let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        return made < 0
    }
}
