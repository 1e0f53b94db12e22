import Glibc

/// What is written to a program that has ended.
public enum BrokenPipes {
    /// An error, not the end of the box; whoever writes to programs asks for it once.
    public static let areErrors: Void = { _ = signal(SIGPIPE, SIG_IGN) }()
}
