import BoxDatabase
import CloudStorage
import Core
import Foundation
import GRDB
import HTTPTypes
import Hummingbird

/// The cloud storage: target, trial, what waits, gaps.
struct StorageRoutes {
    let services: BoxServices
    let maker: AnswerMaker

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("storage") { _, _ in try answer(try await maker.storage()) }
        routes.put("storage/target") { request, _ in
            let body = try await RequestBody.read(request)
            let (target, credentials) = try await read(body)
            try body.finish()
            guard let target else { return Response(status: .badRequest) }
            try await translating { try await services.targets.set(target, credentials: credentials) }
            return try answer(try await maker.storage())
        }
        routes.delete("storage/target") { _, _ in
            try await services.targets.set(nil, credentials: nil)
            return Response(status: .noContent)
        }
        routes.post("storage/test") { request, _ in try answer(try await test(request)) }
        routes.get("storage/gaps") { _, _ in
            let items = try await services.database.read { database in
                let gaps = try GapRecord.order(Column("id").desc).limit(200).fetchAll(database)
                let refilled = try ClipRecord.refilled(since: gaps.map(\.from).min() ?? .distantFuture, database)
                return gaps.map { gap in
                    GapAnswer(
                        id: gap.id ?? 0, channelId: gap.channelId, from: gap.from, to: gap.to, bytes: Nullable(gap.bytes),
                        reason: gap.reason,
                        refilled: refilled[gap.channelId]?.contains { $0.from < gap.to && $0.to > gap.from } ?? false)
                }
            }
            return try answer(ListAnswer(items: items))
        }
    }

    private func test(_ request: Request) async throws -> TrialAnswer {
        var target = try await services.targets.current()
        var credentials = try await services.targets.credentials()
        if request.headers[.contentType] != nil {
            let body = try await RequestBody.read(request)
            if let entered = body.object("target") { (target, credentials) = try await read(entered) }
            try body.finish()
        }
        guard let target else { throw Problem.conflict("No cloud storage is set. Enter one first.") }
        var profile: StorageProfile?
        var advice: [String] = []
        if case .s3(let s3) = target, let known = services.targets.profile(of: s3) {
            profile = known
            advice = known.advice(for: s3)
        }
        do {
            let trial = try await services.targets.test(target, credentials: credentials, box: services.identity.serialNumber)
            let failed = trial.steps.first { !$0.ok }
            return TrialAnswer(
                ok: trial.ok, sentence: failed?.sentence ?? "The storage works.", steps: trial.steps,
                uploadBytesPerSecond: Nullable(trial.uploadBytesPerSecond.map { Int($0) }), abilities: trial.notes,
                provider: Nullable(profile?.name), remarks: advice)
        } catch let error as StoreError {
            return TrialAnswer(
                ok: false, sentence: error.sentence, steps: [.init(name: "reach", ok: false, sentence: error.sentence)],
                uploadBytesPerSecond: Nullable(nil), abilities: [], provider: Nullable(profile?.name), remarks: advice)
        }
    }

    private enum Kind: String, CaseIterable {
        case folder, s3
    }

    /// Reads a target; secrets that are left out stay as they are.
    private func read(_ body: RequestBody) async throws -> (StorageTarget?, S3Credentials?) {
        switch body.word("kind", Kind.self, required: true) {
        case nil: return (nil, nil)
        case .folder?:
            guard let path = body.string("path", 2...1024, required: true) else { return (nil, nil) }
            guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
                body.reject("path", "path must be an absolute path.")
                return (nil, nil)
            }
            return (.folder(path: path), nil)
        case .s3?:
            let target = readS3(body)
            // Secrets belong to the place and the key that they were entered for; another gets none of them.
            let known = try await services.targets.current()
            let isSame =
                if case .s3(let former)? = known { former.endpoint == target?.endpoint && former.accessKeyId == target?.accessKeyId } else {
                    false
                }
            let old = isSame ? try await services.targets.credentials() : nil
            let secret = body.string("secretAccessKey", 1...256) ?? old?.secretAccessKey
            // A session token belongs to the secret it came with.
            let enteredSecret = body.has("secretAccessKey") && !body.isNull("secretAccessKey")
            let token = body.string("sessionToken", 1...4096) ?? (enteredSecret ? nil : old?.sessionToken)
            _ = body.bool("hasSecret")
            _ = body.bool("hasSessionToken")
            if let target, target.credentialsFile != nil { return (.s3(target), nil) }
            guard let secret else {
                body.reject(
                    "secretAccessKey",
                    known == nil || isSame
                        ? "secretAccessKey is missing."
                        : "secretAccessKey is missing: the one that is set belongs to another endpoint or key.")
                return (nil, nil)
            }
            return (target.map { .s3($0) }, S3Credentials(secretAccessKey: secret, sessionToken: token))
        }
    }

    private func readS3(_ body: RequestBody) -> S3Target? {
        let endpoint = body.string("endpoint", 8...512, required: true)
        let region = body.string("region", 1...64, required: true)
        let bucket = body.string("bucket", 3...63, required: true)
        let prefix = body.string("prefix", 0...256) ?? ""
        let file = credentialsFile(body)
        let key = body.string("accessKeyId", 0...128, required: file == nil)
        if file == nil, key?.isEmpty == true { body.reject("accessKeyId", "accessKeyId is missing.") }
        let addressing = body.word("addressing", S3Target.Addressing.self) ?? .path
        let certificate = body.string("caCertificate", 1...32_768, multiline: true)
        if let endpoint {
            let parts = URLComponents(string: endpoint)
            let isPlain = (parts?.path.isEmpty ?? false || parts?.path == "/") && parts?.query == nil && parts?.fragment == nil
            if parts?.host?.isEmpty ?? true || !["http", "https"].contains(parts?.scheme ?? "") || !isPlain || parts?.user != nil {
                body.reject("endpoint", "endpoint must be an address such as https://s3.eu-south-1.amazonaws.com, without a path.")
            }
        }
        if let endpoint, !endpoint.lowercased().hasPrefix("https://"), !services.targets.allowsHTTP {
            body.reject("endpoint", "endpoint must begin with https://, so that nobody on the way can read the footage.")
        }
        if let bucket, !bucket.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 }) {
            body.reject("bucket", "bucket must have lower-case letters, digits, hyphens and dots only.")
        }
        if prefix.hasPrefix("/") || prefix.contains("..") || prefix.contains("//") {
            body.reject("prefix", "prefix must be a path such as cameras/.")
        }
        let encryption = encryption(body)
        guard let endpoint, let region, let bucket, key != nil || file != nil else { return nil }
        let closed = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
        return S3Target(
            endpoint: endpoint, region: region, bucket: bucket, prefix: closed, accessKeyId: file == nil ? key ?? "" : "",
            addressing: addressing,
            caCertificate: certificate, encryption: encryption, credentialsFile: file)
    }

    private func credentialsFile(_ body: RequestBody) -> String? {
        guard let path = body.string("credentialsFile", 2...1024) else { return nil }
        if !path.hasPrefix("/") || path.split(separator: "/").contains("..") {
            body.reject("credentialsFile", "credentialsFile must be an absolute path.")
        }
        return path
    }

    private enum EncryptionKind: String, CaseIterable {
        case aes256, kms
    }

    private func encryption(_ body: RequestBody) -> S3Target.Encryption? {
        let key = body.string("encryptionKey", 1...2048)
        guard body.has("encryption"), !body.isNull("encryption") else {
            if key != nil { body.reject("encryptionKey", "encryptionKey goes with an encryption of kms.") }
            return nil
        }
        switch body.word("encryption", EncryptionKind.self) {
        case nil: return nil
        case .aes256?:
            if key != nil { body.reject("encryptionKey", "encryptionKey goes with an encryption of kms.") }
            return .aes256
        case .kms?: return .kms(key: key)
        }
    }

    private func translating(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as StoreError {
            throw Problem(.unprocessableContent, "storage-not-usable", "The storage cannot be used", error.sentence)
        } catch let error as CocoaError {
            throw Problem(
                .unprocessableContent, "storage-not-usable", "The storage cannot be used",
                "The folder cannot be made: \(error.localizedDescription)")
        }
    }
}
