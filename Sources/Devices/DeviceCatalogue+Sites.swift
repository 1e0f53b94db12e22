import BoxDatabase
public import Core
public import GRDB

extension DeviceCatalogue {
    /// Moves devices of one site to another: all that was set for their channels is void and must be set again, what owners gave for them as well.
    ///
    /// `also` is written with it, or nothing is.
    /// - Throws: `CatalogueError.noSuchDevice`, and what `also` throws.
    public func move(_ ids: [DeviceID], to site: SiteID, also: @escaping @Sendable (Database) throws -> Void) async throws {
        try await database.write { database in
            try also(database)
            for id in ids {
                guard var device = try DeviceRecord.fetchOne(database, key: id) else { throw CatalogueError.noSuchDevice }
                device.siteId = site
                device.ownerUseDisabled = false
                try device.update(database)
                try SitePermissionRecord.filter(Column("deviceId") == id).deleteAll(database)
                for channel in try ChannelRecord.filter(Column("deviceId") == id).fetchAll(database) {
                    try SitePermissionRecord.filter(Column("channelId") == channel.id).deleteAll(database)
                    try channel.asNew(at: site).update(database)
                }
            }
        }
        for id in ids { try await setToWork(id) }
    }
}

extension ChannelRecord {
    /// As it was when it was added, at another site.
    fileprivate func asNew(at site: SiteID) -> ChannelRecord {
        var channel = self
        channel.siteId = site
        (channel.definition, channel.retentionDays, channel.armed) = (nil, 7, true)
        (channel.motion, channel.schedule) = (.standard, .always)
        return channel
    }
}
