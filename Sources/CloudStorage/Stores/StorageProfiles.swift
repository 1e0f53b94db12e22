import Foundation
import Yams

/// What is known of a provider of storage: data from `Profiles/storage`.
public struct StorageProfile: Sendable, Equatable, Decodable {
    public let name: String
    /// Hosts, with `*` at either end.
    let match: [String]
    let addressing: S3Target.Addressing?
    let region: String?
    let conditionalPut: Bool?
    let checksum: Bool?
    let remarks: [String]

    private enum Key: String, CodingKey, CaseIterable {
        case name, match, addressing, region, conditionalPut, checksum, remarks
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    public init(from decoder: any Decoder) throws {
        let unknown = try decoder.container(keyedBy: AnyKey.self).allKeys.filter { Key(rawValue: $0.stringValue) == nil }
        if let key = unknown.first {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath + [key], debugDescription: "the key is not known"))
        }
        let values = try decoder.container(keyedBy: Key.self)
        name = try values.decode(String.self, forKey: .name)
        match = try values.decode([String].self, forKey: .match)
        addressing = try values.decodeIfPresent(S3Target.Addressing.self, forKey: .addressing)
        region = try values.decodeIfPresent(String.self, forKey: .region)
        conditionalPut = try values.decodeIfPresent(Bool.self, forKey: .conditionalPut)
        checksum = try values.decodeIfPresent(Bool.self, forKey: .checksum)
        remarks = try values.decodeIfPresent([String].self, forKey: .remarks) ?? []
    }

    func fits(_ host: String) -> Bool {
        match.contains { pattern in
            let bare = pattern.filter { $0 != "*" }.lowercased()
            let host = host.lowercased()
            return switch (pattern.hasPrefix("*"), pattern.hasSuffix("*")) {
            case (true, true): host.contains(bare)
            case (true, false): host.hasSuffix(bare)
            case (false, true): host.hasPrefix(bare)
            case (false, false): host == bare
            }
        }
    }

    /// What is known of the provider, and where the target is set otherwise than the provider wants it; sentences.
    public func advice(for target: S3Target) -> [String] {
        var advice = remarks
        if let addressing, addressing != target.addressing {
            let wanted = addressing == .virtualHost ? "in the host name" : "in the path"
            advice.append("\(name) wants the bucket \(wanted). Change the addressing.")
        }
        if let region, region != target.region { advice.append("\(name) wants the region \(region).") }
        return advice
    }

    /// What the provider's buckets can.
    var abilities: StoreAbilities {
        StoreAbilities(conditionalPut: conditionalPut ?? true, checksum: checksum ?? true)
    }
}

/// The providers that the box knows.
public struct StorageProfiles: Sendable {
    public let profiles: [StorageProfile]

    public init(profiles: [StorageProfile] = []) {
        self.profiles = profiles
    }

    /// Reads the profiles' text.
    /// - Throws: what Yams says of a mistake.
    public init(yaml: String) throws {
        profiles = try YAMLDecoder().decode([StorageProfile].self, from: yaml)
    }

    /// The provider of a target, where its host tells.
    public func profile(of target: S3Target) -> StorageProfile? {
        profiles.first { $0.fits(target.host) }
    }
}
