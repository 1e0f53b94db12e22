import Core
import Crypto

/// The codes that were tried lately for one site: which wrong ones count, and what a right one opened.
struct CodeGuesses {
    /// What becomes of a code.
    enum Verdict {
        case opened(SiteKey)
        case wrong
        /// The same code is being tried; its answer is this one's too.
        case underWay(Task<Result<SiteKey, FootageKeyError>, Never>)
        /// To be tried; the so manieth that counts.
        case new(Int)
    }

    private struct Opened {
        let code: SHA256Digest
        let key: SiteKey
        var until: Duration
    }

    private static let tolerated = 10
    private static let window = Duration.seconds(600)
    private static let memory = Duration.seconds(600)

    /// Codes that count, and since when; those under way too, so that guesses sent at once are counted as well.
    private var counted: [SHA256Digest: Duration] = [:]
    private var underWay: [SHA256Digest: Task<Result<SiteKey, FootageKeyError>, Never>] = [:]
    /// Codes that came while the door was shut.
    private var refused: Set<SHA256Digest> = []
    /// What a right code opened, so that a list of pictures does not cost one derivation each.
    private var opened: Opened?

    /// Looks at a code; `now` is monotonic.
    mutating func look(_ code: SHA256Digest, at now: Duration) throws(EncryptionRefusal) -> Verdict {
        if let found = opened, found.until <= now { opened = nil }
        if let found = opened, found.code == code {
            opened?.until = now + Self.memory
            return .opened(found.key)
        }
        if let task = underWay[code] { return .underWay(task) }
        counted = counted.filter { now - $0.value < Self.window }
        // What is known to be wrong is no further guess: a tab that still has an old code must not shut the door for all.
        if counted[code] != nil { return .wrong }
        guard counted.count < Self.tolerated else {
            // The opened key answers while the door is shut, but must not tell without end which guess was right.
            if opened != nil { refused.insert(code) }
            if refused.count >= Self.tolerated { opened = nil }
            let first = counted.values.min() ?? now
            throw .tooManyAttempts(retryAfter: max(1, Int((Self.window - (now - first)).components.seconds)))
        }
        refused = []
        counted[code] = now
        return .new(counted.count)
    }

    mutating func begin(_ code: SHA256Digest, _ task: Task<Result<SiteKey, FootageKeyError>, Never>) {
        underWay[code] = task
    }

    /// A try has its answer.
    mutating func settle(_ code: SHA256Digest, _ result: Result<SiteKey, FootageKeyError>, at now: Duration) {
        underWay[code] = nil
        if case .failure(.wrongCode) = result { return }
        counted[code] = nil
        if case .success(let key) = result { opened = Opened(code: code, key: key, until: now + Self.memory) }
    }

    /// The code was changed.
    mutating func forgetKey() { opened = nil }
}
