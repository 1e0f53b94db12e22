import BoxDatabase
import CloudStorage
import Core
import Foundation
import HTTPTypes
import Hummingbird
import Media
import MediaWorker
import NIOCore
import Recording

struct TargetAnswer: Encodable {
    let kind: String
    var path: String?
    var endpoint: String?
    var region: String?
    var bucket: String?
    var prefix: String?
    var accessKeyId: String?
    var hasSecret: Bool?
    var hasSessionToken: Bool?
    var addressing: String?
    var caCertificate: Nullable<String>?
    var encryption: Nullable<String>?
    var encryptionKey: Nullable<String>?
    var credentialsFile: Nullable<String>?

    init(_ target: StorageTarget, credentials: S3Credentials?) {
        switch target {
        case .folder(let path):
            kind = "folder"
            self.path = path
        case .s3(let s3):
            kind = "s3"
            endpoint = s3.endpoint
            region = s3.region
            bucket = s3.bucket
            prefix = s3.prefix
            accessKeyId = s3.accessKeyId
            hasSecret = credentials != nil
            hasSessionToken = credentials?.sessionToken != nil
            addressing = s3.addressing.rawValue
            caCertificate = Nullable(s3.caCertificate)
            credentialsFile = Nullable(s3.credentialsFile)
            switch s3.encryption {
            case nil: (encryption, encryptionKey) = (Nullable(nil), Nullable(nil))
            case .aes256: (encryption, encryptionKey) = (Nullable("aes256"), Nullable(nil))
            case .kms(let key): (encryption, encryptionKey) = (Nullable("kms"), Nullable(key))
            }
        }
    }
}

struct StorageAnswer: Encodable, Equatable {
    struct SpoolPart: Encodable, Equatable {
        let clips: Int
        let bytes: Int
        let limitBytes: Int
        let freeBytes: Int
        let paused: Bool
    }
    struct Backlog: Encodable, Equatable {
        let clips: Int
        let bytes: Int
        let oldestSeconds: Nullable<Int>
        let etaSeconds: Nullable<Int>
    }
    struct Line: Encodable, Equatable {
        let bytesPerSecond: Nullable<Int>
        /// Where footage is paused for now.
        let pausedUntil: Nullable<Date>
    }
    struct Stored: Encodable, Equatable {
        let clips: Int
        let bytes: Int
    }
    /// The second storage and how it is.
    struct Second: Encodable {
        let role: String
        let afterMinutes: Nullable<Int>
        let target: TargetAnswer
        let state: ConditionAnswer
        /// Clips go there now, for the first storage does not work.
        let inUse: Bool
        let clips: Int
        let bytes: Int
        /// Clips in the first storage that wait for their copy.
        let waiting: Int
    }
    /// A storage of before that still has clips.
    struct Former: Encodable {
        let place: String
        let clips: Int
        let bytes: Int
    }
    let target: Nullable<TargetAnswer>
    let second: Nullable<Second>
    let former: [Former]
    let state: ConditionAnswer
    let spool: SpoolPart
    let backlog: Backlog
    let line: Line
    let stored: Stored
    let gaps: Int

    /// Equal as far as a watching page is concerned.
    static func == (left: StorageAnswer, right: StorageAnswer) -> Bool {
        left.state.code == right.state.code && left.state.sentence == right.state.sentence && left.spool.bytes == right.spool.bytes
            && left.backlog == right.backlog
            && left.line == right.line && left.second.value?.inUse == right.second.value?.inUse
            && left.second.value?.state.sentence == right.second.value?.state.sentence
            && left.second.value?.waiting == right.second.value?.waiting
            && left.second.value?.role == right.second.value?.role && left.second.value?.clips == right.second.value?.clips
            && left.former.map(\.clips) == right.former.map(\.clips)
            && left.stored == right.stored && left.gaps == right.gaps && left.target.value?.kind == right.target.value?.kind
    }
}

struct GapAnswer: Encodable {
    let id: Int64
    let channelId: ChannelID
    let from: Date
    let to: Date
    let bytes: Nullable<Int>
    let reason: String
    /// Some of it was fetched from the device later.
    let refilled: Bool
}

struct TrialAnswer: Encodable {
    let ok: Bool
    let sentence: String
    let steps: [StorageTrial.Step]
    let uploadBytesPerSecond: Nullable<Int>
    /// What a bucket can do beyond that, with a sentence each; a missing ability is no fault.
    let abilities: [StorageTrial.Step]
    /// What is known of the provider.
    let provider: Nullable<String>
    let remarks: [String]
}
