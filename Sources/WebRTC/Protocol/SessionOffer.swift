// WebRTC brings live pictures to browsers: offers and answers, ICE, DTLS, SRTP and feedback. It knows streams by their samples;
// HTTP, people, permissions and cameras do not belong here.

/// A viewer's offer (RFC 8866, RFC 8829), read strictly as far as the box uses it: everything in it may be hostile.
public struct SessionOffer: Sendable, Equatable {
    /// Larger offers are none.
    public static let largestBytes = 64 << 10
    private static let mostMedia = 32
    private static let mostLines = 4096

    public let media: [OfferedMedia]
    /// Which sections go by one transport (RFC 9143); the first group alone.
    let bundle: [String]

    /// Reads an offer.
    public init(_ text: String) throws(OfferRefusal) {
        guard text.utf8.count <= Self.largestBytes else { throw .malformed("The offer is too large.") }
        var media: [OfferedMedia] = []
        var bundle: [String] = []
        var common: [(name: Substring, value: Substring)] = []
        var hasVersion = false
        let lines = text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline)
        guard lines.count <= Self.mostLines else { throw .malformed("The offer has too many lines.") }
        for (number, line) in lines.enumerated() {
            guard line.dropFirst().first == "=", let kind = line.first else { throw .malformed("Line \(number + 1) of the offer is none.") }
            let value = line.dropFirst(2)
            switch kind {
            case "v": hasVersion = number == 0 && value == "0"
            case "m":
                guard media.count < Self.mostMedia, let section = OfferedMedia(line: value) else {
                    throw .malformed("Line \(number + 1) of the offer is not understood.")
                }
                media.append(section)
            case "a":
                let (name, value) = Self.attribute(value)
                if media.isEmpty {
                    if name == "group", bundle.isEmpty { bundle = Self.group(value) }
                    if common.count < 64 { common.append((name, value)) }
                } else {
                    media[media.count - 1].take(name, value)
                }
            default: break
            }
        }
        guard hasVersion, !media.isEmpty else { throw .malformed("That is no session description.") }
        self.media = media.map { Self.complete($0, common) }
        self.bundle = bundle
    }

    static func attribute(_ text: Substring) -> (name: Substring, value: Substring) {
        let name = text.prefix { $0 != ":" }
        return (name, text.dropFirst(name.count + 1))
    }

    private static func group(_ value: Substring) -> [String] {
        let words = value.split(separator: " ")
        guard words.first == "BUNDLE", words.dropFirst().allSatisfy({ OfferedMedia.isToken($0) }) else { return [] }
        return words.dropFirst().prefix(mostMedia).map(String.init)
    }

    /// What is said for the whole session holds where a section says nothing.
    private static func complete(_ section: OfferedMedia, _ common: [(name: Substring, value: Substring)]) -> OfferedMedia {
        var whole = section
        for (name, value) in common {
            switch name {
            case "ice-ufrag": if section.fragment == nil { whole.take(name, value) }
            case "ice-pwd": if section.password == nil { whole.take(name, value) }
            case "fingerprint": if section.fingerprints.isEmpty { whole.take(name, value) }
            case "setup": if section.setup == "active" { whole.take(name, value) }
            default: break
            }
        }
        return whole
    }
}

/// What a viewer tells of its candidates later (RFC 8840, section 9; `application/trickle-ice-sdpfrag`).
public struct CandidateFragment: Sendable, Equatable {
    /// Of which of its sessions; nil where it says nothing.
    public private(set) var fragment: String?
    public private(set) var candidates: [ICECandidate] = []
    /// No more will come.
    public private(set) var isLast = false

    public static let largestBytes = 16 << 10

    /// Reads a fragment; nil where it is none.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.largestBytes else { return nil }
        for line in text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline) {
            guard line.dropFirst().first == "=" else { return nil }
            guard line.first == "a" else { continue }
            let (name, value) = SessionOffer.attribute(line.dropFirst(2))
            switch name {
            case "ice-ufrag": fragment = fragment ?? String(value.prefix(256))
            case "end-of-candidates": isLast = true
            case "candidate":
                if candidates.count < OfferedMedia.mostCandidates, let one = ICECandidate(value), !candidates.contains(one) {
                    candidates.append(one)
                }
            default: break
            }
        }
    }
}
