import Glibc
import Slots

// Starts the box's program out of the release that is due, and is gone: the program takes its process over.
// It is apart from what it starts, and as small as can be, because nothing can start it anew if it is wrong.

let usage = """
    gatehouse-launcher FOLDER start [ARGUMENT...]   start the release that is due, with these arguments
    gatehouse-launcher FOLDER status                say which releases there are
    gatehouse-launcher FOLDER try RELEASE           start this one next, on trial
    gatehouse-launcher FOLDER confirm               the one that is started stays
    gatehouse-launcher FOLDER back REASON           start the one before again, and never this one
    """

func fail(_ sentence: String, _ status: Int32) -> Never {
    let line = Array("gatehouse-launcher: \(sentence)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(status)
}

/// Takes the process over, and tells the program what it needs to upgrade itself. Returns only where that failed.
func start(_ slot: String, in slots: SlotFolder, _ folder: String, _ arguments: ArraySlice<String>) {
    let program = slots.program(of: slot)
    setenv("GATEHOUSE_RELEASES", folder, 1)
    setenv("GATEHOUSE_RELEASE", slot, 1)
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &path, path.count - 1)
    if count > 0 { setenv("GATEHOUSE_LAUNCHER", &path, 1) }
    // Of whatever called, such as a thread of the program itself, nothing is left.
    var none = sigset_t()
    sigemptyset(&none)
    sigprocmask(SIG_SETMASK, &none, nil)
    signal(SIGPIPE, SIG_DFL)
    var all = ([program] + arguments).map { strdup($0) }
    all.append(nil)
    execv(program, all)
}

func sayStatus(_ slots: SlotFolder) {
    print("current: \(slots.current ?? "none")")
    print("previous: \(slots.previous.flatMap { $0 == slots.current ? nil : $0 } ?? "none")")
    switch slots.trial?.startsLeft {
    case nil: break
    case 0?: print("on trial, and had its last start: the next is the one before")
    case 1?: print("on trial, to be started once more")
    case let left?: print("on trial, to be started \(left) times more")
    }
    for slot in slots.spare { print("spare: \(slot)\(slots.reasonAgainst(slot).map { ", bad: \($0)" } ?? "")") }
}

/// Where the fault tests end the program: before the step of this number. A release build has none of it.
func faultTest() -> @Sendable (String) throws -> Void {
    #if DEBUG
        nonisolated(unsafe) var steps = getenv("GATEHOUSE_CRASH_AT").flatMap { Int(String(cString: $0)) } ?? .max
        return { _ in
            if steps == 0 { kill(getpid(), SIGKILL) }
            steps -= 1
        }
    #else
        return { _ in }
    #endif
}

func run(_ arguments: [String]) throws {
    guard arguments.count > 2 else { fail("usage:\n\(usage)", EX_USAGE) }
    guard arguments[2] != "status" || access("\(arguments[1])/slots", F_OK) == 0 else {
        fail("There are no releases in \(arguments[1]).", EX_NOINPUT)
    }
    let slots = SlotFolder(arguments[1], step: faultTest())
    guard arguments[2] == "status" || !slots.isSomebodyElses else {
        fail(
            "\(arguments[1]) is somebody else's. Let its own user do it: runuser -u gatehouse -- \(arguments.joined(separator: " "))",
            EX_NOPERM)
    }
    switch (arguments[2], arguments.count) {
    case ("start", _):
        let due = try slots.launch()
        start(due, in: slots, arguments[1], arguments.dropFirst(3))
        // Damaged in a way that only the system sees.
        let code = errno
        _ = try? slots.rollBack(from: due, because: "The system could not start its program: \(String(cString: strerror(code))).")
        if let previous = slots.previous { start(previous, in: slots, arguments[1], arguments.dropFirst(3)) }
        errno = code
        fail("\(slots.program(of: due)) cannot be started: \(String(cString: strerror(errno)))", EX_OSERR)
    case ("status", 3): sayStatus(slots)
    case ("try", 4): try slots.beginTrial(of: arguments[3])
    case ("confirm", 3): if let current = slots.current { try slots.confirm(current) }
    case ("back", 4):
        guard let current = slots.current else { throw SlotError.nothingToStart }
        print(try slots.rollBack(from: current, because: arguments[3]))
    default: fail("usage:\n\(usage)", EX_USAGE)
    }
}

do {
    try run(CommandLine.arguments)
} catch {
    fail("\(error)", EX_CONFIG)
}
