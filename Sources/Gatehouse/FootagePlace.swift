public import ArgumentParser
import CloudStorage
import Core
import Foundation
import Outbound

/// Where footage lies, for commands that work without a box.
struct FootagePlace: ParsableArguments {
    @Option(help: "A folder that is used as a store, in place of a bucket.")
    var folder: String?

    @Option(help: "The bucket.")
    var bucket: String?

    @Option(help: "The bucket's endpoint, such as https://s3.eu-south-1.amazonaws.com.")
    var endpoint: String?

    @Option(help: "The bucket's region.")
    var region = "us-east-1"

    @Option(help: "What stands before every key, where the box was set so.")
    var prefix = ""

    @Option(help: "The bucket's place in addresses: \(S3Target.Addressing.allCases.map(\.rawValue).joined(separator: " or ")).")
    var addressing: S3Target.Addressing = .path

    @Option(help: "A file with the keys in the form of AWS's shared credentials; else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    var credentialsFile: String?

    @Option(help: "A PEM file with the authority of the endpoint's certificate, where it is not a public one.")
    var caCertificate: String?

    func validate() throws {
        guard (folder == nil) != (bucket == nil) else { throw ValidationError("Give either --bucket, with --endpoint, or --folder.") }
        guard folder != nil || endpoint != nil else { throw ValidationError("Give the bucket's --endpoint.") }
    }

    /// The store, to be shut down after its use.
    func store() throws -> any ObjectStore {
        if let folder {
            guard FileManager.default.fileExists(atPath: folder) else { throw ValidationError("There is no folder \(folder).") }
            return FolderStore(root: folder)
        }
        let environment = ProcessInfo.processInfo.environment
        let credentials = environment["AWS_SECRET_ACCESS_KEY"].map {
            S3Credentials(secretAccessKey: $0, sessionToken: environment["AWS_SESSION_TOKEN"])
        }
        guard credentialsFile != nil || credentials != nil else {
            throw ValidationError("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --credentials-file.")
        }
        let target = S3Target(
            endpoint: endpoint ?? "", region: region, bucket: bucket ?? "",
            prefix: prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/", accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
            addressing: addressing, caCertificate: try caCertificate.map { try String(contentsOfFile: $0, encoding: .utf8) },
            credentialsFile: credentialsFile)
        return try S3Store(
            target: target, credentials: credentials, servers: AddressPolicy(allowsLocal: true, target: .server), time: .system)
    }

    /// Does `body` with the store, and ends its connections whatever happens; a store's refusal is told in its own words.
    func use<Result>(_ body: (any ObjectStore) async throws -> Result) async throws -> Result {
        let store = try store()
        do {
            let result = try await body(store)
            await store.shutdown()
            return result
        } catch {
            await store.shutdown()
            throw error
        }
    }

    /// The one box whose footage is there, or the one that was named.
    func box(_ named: String?, in store: any ObjectStore) async throws -> String {
        if let named { return named }
        let boxes = try await FootageVerification(store: store, time: .system).boxes()
        guard let only = boxes.first, boxes.count == 1 else {
            throw ValidationError(
                boxes.isEmpty
                    ? "There is no footage." : "There is footage of several boxes; name one with --box: \(boxes.joined(separator: ", ")).")
        }
        return only
    }
}

extension S3Target.Addressing: ExpressibleByArgument {}
