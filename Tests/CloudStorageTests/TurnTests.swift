import BoxDatabase
import Core
import Foundation
import GRDB
import Testing

@testable import CloudStorage

/// Which clip goes next is asked for with each clip, whatever waits.
@Suite struct TurnTests {
    @Test(arguments: [
        FootageIndex.Turn.live(since: Date()), .backlog(before: Date(), oldestFirst: false), .backlog(before: Date(), oldestFirst: true),
        .bulk, .preview(before: Date()), .copy, .fetch(from: "first"),
    ])
    func theNextClipIsOneStepIntoAnIndex(turn: FootageIndex.Turn) async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip()
        let (sql, arguments) = FootageIndex.query(turn, excluding: [clip.id])
        let plan = try await bench.spool.index.database.read { database in
            try Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN " + sql, arguments: arguments).map { $0["detail"] as String }
        }
        #expect(plan.count == 1 && plan.allSatisfy { $0.contains("USING INDEX clip_") && !$0.contains("TEMP B-TREE") }, "\(plan)")
    }
}
