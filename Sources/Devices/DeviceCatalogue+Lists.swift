public import BoxDatabase
public import Cameras
public import Core
import Foundation
import GRDB

/// Which devices or channels are wanted.
public struct DeviceFilter: Sendable {
    /// Only at these sites.
    public var sites: Set<SiteID>
    public var device: DeviceID?
    /// Only with this in the name, or in a device's address.
    public var words: String?
    public var page: ListPage

    public init(sites: Set<SiteID>, device: DeviceID? = nil, words: String? = nil, page: ListPage = ListPage()) {
        self.sites = sites
        self.device = device
        self.words = words
        self.page = page
    }

    /// Whether one of the texts has the words.
    fileprivate func matches(_ texts: String...) -> Bool {
        guard let words else { return true }
        return texts.contains { $0.range(of: words, options: .caseInsensitive) != nil }
    }
}

/// All devices and channels as they are set, in the order they were added.
struct DeviceList: Sendable {
    static let tables: Set<String> = ["device", "channel"]
    let devices: [DeviceRecord]
    let channels: [ChannelRecord]
    /// By number.
    let channelsOfDevice: [DeviceID: [ChannelRecord]]
    private let reports: [DeviceID: OnboardingReport]
    private let descriptions: [DeviceID: DeviceDescription]

    init(_ database: Database) throws {
        devices = try DeviceRecord.fetchAll(database).sorted { $0.listPlace < $1.listPlace }
        channels = try ChannelRecord.fetchAll(database).sorted { $0.listPlace < $1.listPlace }
        channelsOfDevice = Dictionary(grouping: channels, by: \.deviceId).mapValues { $0.sorted { $0.number < $1.number } }
        reports = Dictionary(uniqueKeysWithValues: devices.compactMap { device in device.onboardingReport.map { (device.id, $0) } })
        descriptions = Dictionary(uniqueKeysWithValues: devices.compactMap { device in device.description.map { (device.id, $0) } })
    }

    func listed(_ device: DeviceRecord) -> ListedDevice {
        ListedDevice(
            record: device, channels: channelsOfDevice[device.id] ?? [], report: reports[device.id], description: descriptions[device.id])
    }
}

extension DeviceRecord {
    fileprivate var listPlace: ListPlace { ListPlace(createdAt: createdAt, id: id.text) }
}

extension ChannelRecord {
    fileprivate var listPlace: ListPlace { ListPlace(createdAt: createdAt, number: number, id: id.text) }
}

/// A device as it is set, with what belongs to it.
public struct ListedDevice: Sendable {
    public let record: DeviceRecord
    public let channels: [ChannelRecord]
    /// How adding it went.
    public let report: OnboardingReport?
    /// What the device said of itself when its row was written.
    public let description: DeviceDescription?
}

extension DeviceCatalogue {
    /// Devices with their channels in the order they were added, of those that `admits`, and where the next page begins.
    public func devices(
        _ filter: DeviceFilter, admits: (DeviceRecord) -> Bool
    ) async throws -> (items: [ListedDevice], next: ListPlace?) {
        let list = try await list.value()
        let (page, next) = filter.page.cut(list.devices, at: \.listPlace) {
            filter.sites.contains($0.siteId) && filter.matches($0.name, $0.host) && admits($0)
        }
        return (page.map(list.listed), next)
    }

    /// Channels in the order they were added, of those that `admits`, and where the next page begins.
    public func channels(
        _ filter: DeviceFilter, admits: (ChannelRecord) -> Bool
    ) async throws -> (items: [ChannelRecord], next: ListPlace?) {
        filter.page.cut(try await list.value().channels, at: \.listPlace) {
            filter.sites.contains($0.siteId) && filter.device.map { [device = $0.deviceId] in $0 == device } ?? true
                && filter.matches($0.name) && admits($0)
        }
    }

    /// One of them.
    /// - Throws: `CatalogueError.noSuchDevice`.
    public func listed(_ id: DeviceID) async throws -> ListedDevice {
        let list = try await list.value()
        guard let record = list.devices.first(where: { $0.id == id }) else { throw CatalogueError.noSuchDevice }
        return list.listed(record)
    }
}
