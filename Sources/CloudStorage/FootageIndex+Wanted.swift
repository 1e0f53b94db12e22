import BoxDatabase
import Core
import Foundation
import GRDB

// Copies that a mirror lacks and that the spool does not have any more: of clips of before there was a mirror, or that were given up.
extension FootageIndex {
    /// What expires sooner is not worth its way.
    private static let least: TimeInterval = 3600

    /// Takes down what the mirror lacks of the clips in the store `first`, and forgets what is wanted no more; answers how many were added.
    @discardableResult
    func want(copiesOf first: String?, in mirror: String?, at time: Date) async throws -> Int {
        try await database.write { database in
            let stale = "otherCopy = 'wanted' AND (place IS NOT :first OR otherPlace IS NOT :mirror)"
            let places: StatementArguments = ["first": first, "mirror": mirror]
            // Something of those that were tried may be there.
            try database.execute(prepared: "UPDATE clip SET otherCopy = 'leftover' WHERE attempts > 0 AND \(stale)", arguments: places)
            try database.execute(prepared: "UPDATE clip SET otherCopy = NULL, otherPlace = NULL WHERE \(stale)", arguments: places)
            guard let first, let mirror else { return 0 }
            try database.execute(
                prepared: """
                    UPDATE clip SET otherCopy = 'wanted', otherPlace = ?, attempts = 0, lastError = NULL
                    WHERE state = 'stored' AND place = ? AND otherCopy IS NULL AND expiresAt > ?
                    """, arguments: [mirror, first, time.addingTimeInterval(Self.least)])
            return database.changesCount
        }
    }

    /// The files of a clip are in the spool again: its copy goes up as any other. Answers false where it is not wanted any more.
    func noteFetched(_ clip: ClipRecord) async throws -> Bool {
        try await database.write { database in
            try database.execute(
                prepared: "UPDATE clip SET otherCopy = 'waiting', spoolBytes = ? WHERE id = ? AND otherCopy = 'wanted'",
                arguments: [clip.manifest.readyBytes, clip.id])
            return database.changesCount == 1
        }
    }

    /// The first store does not have the clip as it should: there is nothing to copy, however often it is asked, until a storage is set.
    func noteUnobtainable(_ clip: ClipRecord) async throws {
        try await database.write { database in
            try database.execute(
                prepared: "UPDATE clip SET otherCopy = 'unobtainable', otherPlace = NULL WHERE id = ? AND otherCopy = 'wanted'",
                arguments: [clip.id])
        }
        changes.send(.clip(clip.id))
    }

    /// A storage is set: what could not be copied may be tried again.
    static func retryUnobtainable(_ database: Database) throws {
        try database.execute(prepared: "UPDATE clip SET otherCopy = NULL WHERE otherCopy = 'unobtainable'")
    }
}
