import Foundation

/// Firmware of cameras and recorders, as signed metadata tells of it: for which of them it is.
public struct DeviceFirmwareOffer: Codable, Sendable, Equatable {
    /// What it is, so that it is not taken for a release of the box's own.
    private var kind = Self.kindOfAll
    /// As devices call their maker, whatever the case of its letters.
    public let make: String
    /// As devices call themselves; each exactly, for firmware of another model may end a device.
    public let models: [String]
    /// As a device says it once it has it.
    public let version: String
    /// Where people find it, with its maker's instructions.
    public let page: String?

    private static let kindOfAll = "device-firmware"
    private static let mostModels = 200

    public init(make: String, models: [String], version: String, page: String? = nil) {
        self.make = make
        self.models = models
        self.version = version
        self.page = page
    }

    /// Whether what it says can be meant.
    var isPlain: Bool {
        kind == Self.kindOfAll && (1...Self.mostModels).contains(models.count)
            && ([make, version] + models).allSatisfy { (1...100).contains($0.utf8.count) }
            && DeviceFirmwareVersion(version).isReadable && page.map(Self.isPage) ?? true
    }

    /// Only what a browser opens without running anything of it.
    static func isPage(_ text: String) -> Bool {
        guard text.utf8.count <= 500, let url = URL(string: text) else { return false }
        return ["http", "https"].contains(url.scheme) && url.host()?.isEmpty == false
    }

    /// Whether it is for such a device.
    public func isFor(make: String?, model: String?) -> Bool {
        guard let make, let model else { return false }
        func same(_ one: String, _ other: String) -> Bool {
            one.trimmingCharacters(in: .whitespaces).lowercased() == other.trimmingCharacters(in: .whitespaces).lowercased()
        }
        return same(make, self.make) && models.contains { same($0, model) }
    }
}

/// A version of a device's firmware. Makers write it as they like, `V5.7.13 build 230713`: what is compared is its first number with dots in it,
/// and then the numbers behind that.
public struct DeviceFirmwareVersion: Sendable, Equatable {
    /// 5, 7, 13.
    let release: [Int]
    /// 230713.
    let build: [Int]

    /// One that cannot be read, or has a number that is none of a version, is newer than no other.
    public init(_ text: String) {
        let words = text.split { !$0.isNumber && $0 != "." }.map { $0.split(separator: ".") }.filter { !$0.isEmpty }
        let numbers = words.map { $0.map { $0.utf8.count <= 12 ? Int($0) ?? -1 : -1 } }
        let isReadable = !numbers.isEmpty && numbers.allSatisfy { $0.allSatisfy { $0 >= 0 } }
        release = isReadable ? numbers[0] : []
        build = isReadable ? numbers.dropFirst().flatMap { $0 } : []
    }

    public var isReadable: Bool { !release.isEmpty }

    /// Whether it is newer. A device that does not tell its build is not older for it.
    public func isNewer(than other: DeviceFirmwareVersion) -> Bool {
        guard isReadable, other.isReadable else { return false }
        if let difference = releaseDifference(other) { return difference > 0 }
        guard let difference = zip(build, other.build).first(where: { $0 != $1 }) else { return false }
        return difference.0 > difference.1
    }

    /// Whether nothing that both say differs.
    public func agrees(with other: DeviceFirmwareVersion) -> Bool {
        isReadable && other.isReadable && releaseDifference(other) == nil && zip(build, other.build).allSatisfy { $0 == $1 }
    }

    /// 5.7 is 5.7.0.
    private func releaseDifference(_ other: DeviceFirmwareVersion) -> Int? {
        for index in 0..<max(release.count, other.release.count) {
            let (one, two) = (index < release.count ? release[index] : 0, index < other.release.count ? other.release[index] : 0)
            if one != two { return one - two }
        }
        return nil
    }
}

/// Firmware that signed metadata tells of.
public struct ListedDeviceFirmware: Sendable, Equatable {
    /// Of its manifest.
    public let path: String
    public let offer: DeviceFirmwareOffer
    let file: TargetFile

    init(_ path: String, _ target: TargetsMetadata.Target) throws(ReleaseRefusal) {
        guard let offer = target.deviceFirmware, offer.isPlain else { throw .unreadable(path) }
        file = try TargetFile(path, target)
        self.path = path
        self.offer = offer
    }

    /// What it is called on the box's disk.
    public var name: String { String(file.sha256.prefix(24)) }

    /// - Throws: `ReleaseRefusal`, or what the source throws.
    public func manifest(from source: any ReleaseSource) async throws -> DeviceFirmwareManifest {
        try DeviceFirmwareManifest(try await file.bytes(from: source), name: path)
    }
}

/// What a device's firmware consists of: one file, in pieces that are known by their digests.
public struct DeviceFirmwareManifest: Sendable, Equatable {
    /// Bytes of a file.
    public static let largest = 256 << 20

    private struct Form: Codable {
        var format = 1
        let notes: String
        let file: ReleaseManifest.File
    }

    /// What is new, for people.
    public let notes: String
    public let file: ReleaseManifest.File

    init(notes: String, file: ReleaseManifest.File) throws(ReleaseRefusal) {
        self.notes = notes
        self.file = file
        try ReleaseManifest.check([file])
        guard file.size > 0, file.size <= Self.largest, !file.path.contains("/"), notes.utf8.count <= 64 << 10 else {
            throw .unsafe("Firmware of a device is one file of at most 256 MB.")
        }
    }

    init(_ bytes: [UInt8], name: String) throws(ReleaseRefusal) {
        guard let form = try? JSONDecoder().decode(Form.self, from: Data(bytes)), form.format == 1 else { throw .unreadable(name) }
        try self.init(notes: form.notes, file: form.file)
    }

    var bytes: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
            return Array(try encoder.encode(Form(notes: notes, file: file))) + [0x0A]
        }
    }
}
