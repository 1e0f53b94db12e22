import Core
import Foundation
import NIOHTTP1

/// What an S3 store answered when it did not do as asked, put into words.
struct S3Answer {
    let error: StoreError

    init(status: UInt, body: String, headers: HTTPHeaders) {
        let code = Self.element("Code", in: body) ?? ""
        let retryAfter = headers.first(name: "retry-after").flatMap(Int.init).map { Duration.seconds(min(3600, max(0, $0))) }
        error =
            switch (status, code) {
            case (412, _): StoreError(.exists, "Something is stored under this key already.")
            case (_, "NoSuchUpload"): StoreError(.gone, "The storage has forgotten the parts that it had; they go up again.")
            case (_, "InvalidPart"): StoreError(.gone, "The storage has other parts than it was sent; they go up again.")
            case (_, "EntityTooSmall"): StoreError(.corrupted, "The storage does not take parts as small as these.")
            case (_, "SignatureDoesNotMatch"):
                StoreError(.refused, "The storage refuses the secret key. Enter it again.")
            case (_, "InvalidAccessKeyId"): StoreError(.refused, "The storage does not know the access key. Enter it again.")
            case (_, "RequestTimeTooSkewed"):
                StoreError(.refused, "The box's clock is too far from the storage's. Check the box's time.")
            case (_, "ExpiredToken"), (_, "InvalidToken"): StoreError(.refused, "The session token has expired. Enter a new one.")
            case (_, "AuthorizationHeaderMalformed"), (_, "PermanentRedirect"), (301, _), (307, _):
                StoreError(.refused, "The bucket is in another region. Enter the bucket's region or endpoint.")
            case (_, "NoSuchBucket"): StoreError(.noBucket, "The bucket does not exist. Check its name.")
            case (_, "NoSuchKey"): StoreError(.gone, "The storage does not have the object any more.")
            case (_, "BadDigest"), (_, "XAmzContentSHA256Mismatch"), (_, "InvalidDigest"):
                StoreError(.corrupted, "The object changed on its way.")
            case (_, "QuotaExceeded"), (507, _): StoreError(.full, "The storage is full. Free some room or enlarge it.")
            case (401, _), (403, _):
                StoreError(.refused, "The storage refuses the box (\(code.isEmpty ? String(status) : code)). Check keys and permissions.")
            case (404, _): StoreError(.noBucket, "The storage does not find the bucket. Check endpoint and bucket.")
            case (501, _):
                StoreError(.busy, "The storage does not know something that it was asked for. Test it, so that the box learns what it can.")
            case (_, "RequestTimeout"), (408, _), (409, _), (429, _), (500...599, _):
                StoreError(.busy, "The storage asks to try again later (\(status) \(code)).", retryAfter: retryAfter)
            default: StoreError(.nonsense, "The storage answered \(status) \(code); it may not be S3-compatible.")
            }
    }

    /// The text of the first `<name>`; S3's errors are flat, so no parser has to look at them.
    private static func element(_ name: String, in body: String) -> String? {
        guard let start = body.firstRange(of: "<\(name)>"), let end = body[start.upperBound...].firstRange(of: "</\(name)>") else {
            return nil
        }
        return String(body[start.upperBound..<end.lowerBound].prefix(64))
    }
}
