// What is left of a process that crashed. The handler calls what a signal may interrupt (signal-safety(7)), and backtrace(3): that one reads the
// loader's tables, which a crash within the loader itself may have locked. Its first call, which may load a library, is made before.
#pragma once
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int gatehouse_crash_file = -1;
static atomic_int gatehouse_crash_thread = 0;

/// What was done with a signal before; Swift's importer makes no table of a header's own.
static inline struct sigaction *gatehouse_crash_before(int number) {
    static struct sigaction before[32];
    return &before[number];
}

static void gatehouse_crash_say(const char *text) {
    ssize_t written = write(gatehouse_crash_file, text, strlen(text));
    (void)written;
}

static void gatehouse_crash_say_number(unsigned long long number, unsigned base) {
    char digits[24];
    char *digit = digits + sizeof digits - 1;
    *digit = 0;
    do { *--digit = "0123456789abcdef"[number % base]; } while (number /= base);
    gatehouse_crash_say(digit);
}

static void gatehouse_crash_tell(int number, siginfo_t *information, void *context) {
    (void)context;
    int code = errno;
    int own = (int)syscall(SYS_gettid), teller = 0;
    if (!atomic_compare_exchange_strong(&gatehouse_crash_thread, &teller, own)) {
        // Another thread tells of its crash already, and ends the process.
        while (teller != own) pause();
    } else {
        gatehouse_crash_say("signal: ");
        gatehouse_crash_say_number((unsigned)number, 10);
        gatehouse_crash_say("\ntime: ");
        gatehouse_crash_say_number((unsigned long long)time(NULL), 10);
        if (information->si_code > 0) {
            gatehouse_crash_say("\naddress: 0x");
            gatehouse_crash_say_number((unsigned long long)information->si_addr, 16);
        } else if (information->si_pid != getpid()) {
            gatehouse_crash_say("\nfrom-process: ");
            gatehouse_crash_say_number((unsigned)information->si_pid, 10);
        }
        char thread[17] = {0};
        prctl(PR_GET_NAME, thread, 0, 0, 0);
        gatehouse_crash_say("\nthread: ");
        gatehouse_crash_say(thread);
        gatehouse_crash_say("\n\n");
        void *places[128];
        backtrace_symbols_fd(places, backtrace(places, 128), gatehouse_crash_file);
        fsync(gatehouse_crash_file);
    }
    // Whatever was there before is asked next: the fault comes again as soon as this returns.
    sigaction(number, gatehouse_crash_before(number), NULL);
    errno = code;
    // What somebody sent does not come again by itself.
    if (information->si_code <= 0) raise(number);
}

/// The program's own first bytes, as the linker calls them.
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/// The build's own number (NT_GNU_BUILD_ID), by which its debug symbols are found; `place` has room for 65 bytes.
static inline void gatehouse_build_number(char *place) {
    const char *program = (const char *)&__ehdr_start;
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)(program + __ehdr_start.e_phoff);
    char *digit = place;
    for (int index = 0; index < __ehdr_start.e_phnum; index++) {
        if (headers[index].p_type != PT_NOTE) continue;
        const char *note = program + headers[index].p_offset, *end = note + headers[index].p_filesz;
        while (note + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *head = (const ElfW(Nhdr) *)note;
            const char *name = note + sizeof *head;
            const unsigned char *content = (const unsigned char *)name + ((head->n_namesz + 3) & ~3U);
            if (head->n_type == NT_GNU_BUILD_ID && head->n_namesz == 4 && !memcmp(name, "GNU", 4) && head->n_descsz <= 32 && digit == place)
                for (unsigned byte = 0; byte < head->n_descsz; byte++) {
                    *digit++ = "0123456789abcdef"[content[byte] >> 4];
                    *digit++ = "0123456789abcdef"[content[byte] & 15];
                }
            note = (const char *)content + ((head->n_descsz + 3) & ~3U);
        }
    }
    *digit = 0;
}

/// From now on a crash of this process is told in the file behind `descriptor`, which stays open.
static inline void gatehouse_tell_crashes(int descriptor) {
    const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
    void *place;
    backtrace(&place, 1);
    gatehouse_crash_file = descriptor;
    for (unsigned index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_sigaction = gatehouse_crash_tell;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigemptyset(&action.sa_mask);
        sigaction(numbers[index], &action, gatehouse_crash_before(numbers[index]));
    }
}
