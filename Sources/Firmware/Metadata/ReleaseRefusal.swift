public import Foundation

/// Why something that claims to be a release, or to tell of releases, is not taken.
public enum ReleaseRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// It is not what its name says it is.
    case unreadable(String)
    /// Fewer of the role's keys have signed it than must.
    case signatures(String)
    /// Another version than the one that is due.
    case version(String, expected: Int, found: Int)
    /// Older than what was trusted before.
    case rolledBack(String, from: Int, to: Int)
    case expired(String, Date)
    /// Its bytes are not those that were signed for.
    case altered(String)
    case tooLarge(String)
    case notThere(String)
    /// Nobody said yet whose keys count.
    case noRoot
    /// A file of the release may not be as it is.
    case unsafe(String)
    /// So many bytes must be free.
    case noRoom(Int)

    public var description: String {
        switch self {
        case .unreadable(let what): "\(what) cannot be read: it is damaged, or something else."
        case .signatures(let what): "\(what) is not signed by enough of the keys that this box trusts."
        case .version(let what, let expected, let found): "\(what) has version \(found) where version \(expected) is due."
        case .rolledBack(let what, let from, let to): "\(what) is older (version \(to)) than what this box has seen (version \(from))."
        case .expired(let what, let date): "\(what) was good until \(date.formatted(.iso8601))."
        case .altered(let what): "\(what) is not as it was signed."
        case .tooLarge(let what): "\(what) is larger than it may be."
        case .notThere(let what): "\(what) is not there."
        case .noRoot: "This box trusts nobody's releases yet: firmware.root in its configuration names the root that it trusts first."
        case .unsafe(let why): why
        case .noRoom(let bytes): "The release needs \((bytes + 999_999) / 1_000_000) MB of free disk, and there is less."
        }
    }
}
