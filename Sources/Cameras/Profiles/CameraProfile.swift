import Foundation
import Yams

/// What is known of a make or model beyond what it says itself; from `Profiles/cameras/*.yaml`.
public struct CameraProfile: Codable, Sendable, Equatable {
    /// To which devices it applies; what is not given matches anything. Texts may have `*` at either end.
    public struct Match: Codable, Sendable, Equatable {
        public var make: String?
        public var model: String?
        public var firmware: String?

        public init(make: String? = nil, model: String? = nil, firmware: String? = nil) {
            self.make = make
            self.model = model
            self.firmware = firmware
        }
    }

    /// Streams of a make, for plain RTSP; `{channel}` stands for the channel's number.
    public struct Streams: Codable, Sendable, Equatable {
        public var main: String
        public var sub: String?
    }

    public var name: String
    public var match: Match
    /// The driver to use, where probing would choose another.
    public var driver: DriverKind?
    public var streams: [Streams]?
    /// So many streams the device serves at a time.
    public var sessions: Int?
    /// Seconds after which an event is over where the device never says so.
    public var eventEndsAfter: Double?
    /// Seconds without a byte after which its event stream is dead.
    public var eventSilence: Double?
    /// It writes true UTC where it writes `Z`; other devices mean their local time.
    public var searchTimesUTC: Bool?
    /// What an installer should know; a sentence.
    public var remarks: [String]?
    /// Firmware that is too old, with what to do; a sentence.
    public var firmwareAdvice: String?

    var searchTimesAreUTC: Bool { searchTimesUTC ?? false }
    public var eventEndSeconds: Double { eventEndsAfter ?? 6 }
    var eventSilenceSeconds: Double { eventSilence ?? 75 }

    /// Of a device of which nothing is known.
    public static let unknown = CameraProfile(name: "Any camera", match: Match())

    public init(name: String, match: Match) {
        self.name = name
        self.match = match
    }
}

/// All profiles; a file of the user's own goes before the ones that come with the box.
public struct CameraProfiles: Sendable {
    public let profiles: [CameraProfile]

    public init(_ profiles: [CameraProfile]) {
        self.profiles = profiles
    }

    /// Reads `*.yaml` of the folders, in their order, each folder's files by name.
    /// - Throws: `ProfileMistake` with the file and what is wrong with it.
    public init(folders: [String]) throws {
        var all: [CameraProfile] = []
        for folder in folders {
            let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
            for name in names {
                do {
                    all += try Self.read(try String(contentsOfFile: folder + "/" + name, encoding: .utf8))
                } catch {
                    throw ProfileMistake(description: "\(folder)/\(name): \(Self.sentence(error))")
                }
            }
        }
        profiles = all
    }

    /// Reads one file: a list of profiles.
    public static func read(_ yaml: String) throws -> [CameraProfile] {
        try checkKeys(yaml)
        return try YAMLDecoder().decode([CameraProfile].self, from: yaml)
    }

    private static let keys: Set<String> = [
        "name", "match", "driver", "streams", "sessions", "eventEndsAfter", "eventSilence", "searchTimesUTC", "remarks", "firmwareAdvice",
    ]

    /// A key that nobody reads is a mistake of the writer.
    private static func checkKeys(_ yaml: String) throws {
        guard let list = try Yams.load(yaml: yaml) as? [[String: Any]] else {
            throw ProfileMistake(description: "it is not a list of profiles")
        }
        for entry in list {
            if let wrong = entry.keys.first(where: { !keys.contains($0) }) {
                throw ProfileMistake(description: "the key \(wrong) is not known")
            }
        }
    }

    private static func sentence(_ error: any Error) -> String {
        switch error {
        case let mistake as ProfileMistake: mistake.description
        case DecodingError.keyNotFound(let key, _): "\(key.stringValue) is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            "\(context.codingPath.map(\.stringValue).joined(separator: "."))\(context.codingPath.isEmpty ? "" : ": ")\(context.debugDescription)"
        default: "\(error)"
        }
    }

    /// The first profile that matches; those that say more go before those that say less.
    public func profile(make: String?, model: String?, firmware: String?) -> CameraProfile {
        let matching = profiles.enumerated().filter { Self.matches($0.element.match, make: make, model: model, firmware: firmware) }
        let best = matching.max { left, right in
            let (a, b) = (Self.weight(left.element.match), Self.weight(right.element.match))
            return a == b ? left.offset > right.offset : a < b
        }
        return best?.element ?? .unknown
    }

    public func profile(of identity: DeviceIdentity) -> CameraProfile {
        profile(make: identity.make, model: identity.model, firmware: identity.firmware)
    }

    /// Paths to try on a camera that only speaks RTSP, in the order of the files.
    public var knownPaths: [CameraTester.KnownPath] {
        profiles.flatMap { profile in
            (profile.streams ?? []).map { streams in
                CameraTester.KnownPath(
                    make: profile.name, main: streams.main.replacing("{channel}", with: "1"),
                    sub: streams.sub?.replacing("{channel}", with: "1"))
            }
        }
    }

    private static func weight(_ match: CameraProfile.Match) -> Int {
        (match.firmware == nil ? 0 : 4) + (match.model == nil ? 0 : 2) + (match.make == nil ? 0 : 1)
    }

    private static func matches(_ match: CameraProfile.Match, make: String?, model: String?, firmware: String?) -> Bool {
        // A profile that matches anything is for the list of paths alone.
        guard match.make != nil || match.model != nil || match.firmware != nil else { return false }
        return fits(match.make, make) && fits(match.model, model) && fits(match.firmware, firmware)
    }

    static func fits(_ pattern: String?, _ value: String?) -> Bool {
        guard let pattern = pattern?.lowercased() else { return true }
        guard let value = value?.lowercased() else { return false }
        let core = pattern.trimmingCharacters(in: ["*"])
        switch (pattern.hasPrefix("*"), pattern.hasSuffix("*")) {
        case (true, true): return value.contains(core)
        case (true, false): return value.hasSuffix(core)
        case (false, true): return value.hasPrefix(core)
        case (false, false): return value == core
        }
    }
}

/// What is wrong with a profile; a sentence.
public struct ProfileMistake: Error, CustomStringConvertible, Equatable {
    public let description: String

    public init(description: String) {
        self.description = description
    }
}
