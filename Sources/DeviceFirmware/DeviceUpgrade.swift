public import Core
public import Foundation

/// One upgrade of one device, from when it was asked for to what became of it.
public struct DeviceUpgrade: Codable, Sendable, Equatable {
    public enum State: String, Codable, Sendable, CaseIterable {
        /// Others are before it.
        case waiting
        case running
        /// The device says the new version, and its pictures are back.
        case done
        case failed
    }

    public let device: DeviceID
    public let from: String?
    public let to: String
    /// Of the firmware in the catalogue.
    let path: String
    /// Who asked for it.
    public let by: String
    public let askedAt: Date
    public internal(set) var endedAt: Date?
    public internal(set) var state = State.waiting
    /// Why it failed; a sentence.
    public internal(set) var reason: String?
    /// The file on the box's disk, while it is there for people.
    public internal(set) var file: String?
    /// Whether the device was given something: from then on nobody can stop it.
    var isGiven = false
}

/// A device that was given firmware, until its pictures are back: nothing else is begun with before.
struct HeldDevice: Codable, Sendable, Equatable {
    let device: DeviceID
    /// Cameras that had a picture before.
    let streaming: Int
}

/// What a box knows of its devices' upgrades: the last of each.
struct DeviceUpgradeMemory: Codable, Sendable, Equatable {
    /// In the order in which they were asked for.
    var upgrades: [DeviceUpgrade] = []
    var held: [HeldDevice]?
    /// When the box last knew what time it is.
    var knownTime: Date?

    static func read(_ place: URL) -> DeviceUpgradeMemory {
        guard let data = try? Data(contentsOf: place) else { return DeviceUpgradeMemory() }
        return (try? GatehouseJSON.decoder.decode(DeviceUpgradeMemory.self, from: data)) ?? DeviceUpgradeMemory()
    }

    func write(to place: URL) throws {
        try DurableFile.write(GatehouseJSON.encoder.encode(self), to: place.path, permissions: 0o600)
    }

    subscript(device: DeviceID) -> DeviceUpgrade? {
        get { upgrades.last { $0.device == device } }
        set {
            guard let newValue else { return upgrades.removeAll { $0.device == device } }
            if let index = upgrades.lastIndex(where: { $0.device == device }) {
                upgrades[index] = newValue
            } else {
                upgrades.append(newValue)
            }
        }
    }
}

/// Why an upgrade cannot be asked for; a sentence.
public struct DeviceUpgradeRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
}
