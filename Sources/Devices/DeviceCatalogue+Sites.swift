import BoxDatabase
public import Core
public import GRDB
import Recording

extension DeviceCatalogue {
    /// Moves devices of one site to another. Their channels begin anew there, as when they were added: what was set for them is void, and footage of
    /// before stays with the site where it was recorded. Answers their former channels.
    ///
    /// `also` is written with it, or nothing is; it gets the former channels, which are there still.
    /// - Throws: `CatalogueError.noSuchDevice`, and what `also` throws.
    public func move(
        _ ids: [DeviceID], to site: SiteID, also: @escaping @Sendable (Database, _ former: [ChannelID]) throws -> Void
    ) async throws -> [ChannelID] {
        let now = time.now()
        let former = try await database.write { database in
            let channels = try ChannelRecord.filter(ids.contains(Column("deviceId"))).fetchAll(database)
            try also(database, channels.map(\.id))
            for id in ids {
                guard var device = try DeviceRecord.fetchOne(database, key: id) else { throw CatalogueError.noSuchDevice }
                device.siteId = site
                // What a tenant has allowed holds where it was allowed.
                if try SiteRecord.fetchOne(database, key: site)?.controlsRemoteUse != true { device.ownerUseDisabled = false }
                try device.update(database)
                try SitePermissionRecord.filter(Column("deviceId") == id).deleteAll(database)
            }
            for channel in channels {
                try channel.delete(database)
                try ChannelRecord(
                    id: .timeOrdered(at: now), deviceId: channel.deviceId, siteId: site, name: channel.name, number: channel.number,
                    url: channel.url, subUrl: channel.subUrl, retentionDays: 7, armed: true, motion: .standard, schedule: .always,
                    createdAt: now
                ).insert(database)
            }
            return channels.map(\.id)
        }
        for channel in former { await channels.remove(channel) }
        for id in ids { try await setToWork(id) }
        return former
    }
}
