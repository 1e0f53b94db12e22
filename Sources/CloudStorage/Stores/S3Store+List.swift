import Core
import Foundation
import NIOHTTP1
import XML

// What is in the bucket (ListObjectsV2).
extension S3Store {
    /// More objects than any box has in its retention.
    private static let mostObjects = 10_000_000

    public func list(_ prefix: String) async throws -> [ListedObject] {
        var found: [ListedObject] = []
        var token: String?
        while true {
            var query = [("list-type", "2"), ("prefix", target.prefix + prefix)]
            if let token { query.insert(("continuation-token", token), at: 0) }
            let answer = try await document(try await send(.GET, "", query: query), named: "ListBucketResult")
            for object in answer.all("Contents") {
                guard let key = object["Key"]?.word, key.hasPrefix(target.prefix + prefix), let bytes = object["Size"]?.integer,
                    let modified = object["LastModified"]?.word.flatMap(GatehouseJSON.date)
                else { throw Self.nonsense }
                found.append(ListedObject(key: String(key.dropFirst(target.prefix.count)), bytes: bytes, modified: modified))
            }
            guard answer["IsTruncated"]?.flag == true else { return found }
            guard let next = answer["NextContinuationToken"]?.word, next != token, found.count < Self.mostObjects else {
                throw Self.nonsense
            }
            token = next
        }
    }
}
