public import BoxDatabase
import Foundation
import GRDB

/// What was begun in parts and is not complete: remembered so that it goes on after a break of line or power.
public struct MultipartUploads: Sendable {
    /// One upload in parts.
    struct Upload: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
        static let databaseTableName = "multipartUpload"
        var objectKey: String
        var uploadId: String
        /// Every part but the last has so many bytes.
        var partBytes: Int
        /// Of the whole object.
        var sha256: String
        /// `S3Target.identity`.
        var store: String
        var startedAt: Date
    }

    private let database: BoxDatabase

    public init(database: BoxDatabase) {
        self.database = database
    }

    /// The upload of an object to a store, if one was begun for the same bytes.
    func find(_ key: String, store: String, sha256: String) async throws -> Upload? {
        try await database.read { database in
            guard let upload = try Upload.fetchOne(database, key: key), upload.store == store, upload.sha256 == sha256 else { return nil }
            return upload
        }
    }

    func begin(_ upload: Upload) async throws {
        try await database.write { try upload.upsert($0) }
    }

    func end(_ key: String) async throws {
        try await database.write { _ = try Upload.deleteOne($0, key: key) }
    }

    /// The identifiers of all that was begun in a store.
    func identifiers(store: String) async throws -> Set<String> {
        try await database.read { Set(try Upload.filter(Column("store") == store).fetchAll($0).map(\.uploadId)) }
    }
}
