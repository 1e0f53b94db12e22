public import Core
import Foundation
import Yams

/// The definitions, sizes, ladder and budget of Profiles/definitions.yaml.
public struct Definitions: Codable, Sendable, Equatable {
    public struct Named: Codable, Sendable, Equatable {
        public let title: String
        public let resolution: String
    }

    public struct Resolution: Codable, Sendable, Equatable {
        public let name: String
        /// Pixels.
        public let width: Int
        public let height: Int
        /// Bits a second.
        public let recommendedBitRate: Int
    }

    public struct Step: Codable, Sendable, Equatable {
        /// Up to this many linked channels.
        public let channels: Int
        public let frameRate: Int
    }

    public struct Budget: Codable, Sendable, Equatable {
        /// Of all linked channels together.
        public let megapixels: Double
        /// Of one channel.
        public let channelMegapixels: Double
    }

    public let definitions: [String: Named]
    public let resolutions: [Resolution]
    public let frameRateLadder: [Step]
    public let budget: Budget
    public let hardwareEncoders: [String]

    /// Reads the profile.
    /// - Throws: `DecodingError` or `YamlError` where the file is not as it should be.
    public init(yaml: String) throws {
        self = try YAMLDecoder().decode(Definitions.self, from: yaml)
        for kind in [Definition.Kind.high, .standard] where definition(kind) == nil {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "the definition \(kind.rawValue) is missing"))
        }
    }

    /// The definition of `kind`, which is not custom.
    public func definition(_ kind: Definition.Kind) -> Definition? {
        guard let named = definitions[kind.rawValue], let size = resolution(named.resolution) else { return nil }
        return Definition(kind: kind, resolution: size.name, width: size.width, height: size.height, bitRate: size.recommendedBitRate)
    }

    /// A custom definition; nil where there is no such resolution.
    public func custom(_ name: String, bitRate: Int?) -> Definition? {
        resolution(name).map {
            Definition(kind: .custom, resolution: $0.name, width: $0.width, height: $0.height, bitRate: bitRate ?? $0.recommendedBitRate)
        }
    }

    private func resolution(_ name: String) -> Resolution? {
        resolutions.first { $0.name == name }
    }

    /// The frame rate that holds for so many linked channels, however many events there are at once.
    public func ladderFrameRate(linkedChannels: Int) -> Int {
        frameRateLadder.first { linkedChannels <= $0.channels }?.frameRate ?? frameRateLadder.last?.frameRate ?? 6
    }

    /// The best frame rate of the ladder.
    public var fullFrameRate: Int { frameRateLadder.map(\.frameRate).max() ?? 10 }
}
