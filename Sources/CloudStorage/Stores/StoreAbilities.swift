/// What a bucket can do: by its provider's profile at first, then by having tried.
public struct StoreAbilities: Codable, Sendable, Equatable {
    /// `If-None-Match: *` keeps an object from being overwritten; where it does not, the box looks before it puts.
    public var conditionalPut: Bool
    /// A body that does not fit the SHA-256 that comes with it is refused.
    public var checksum: Bool
    /// Objects may bear tags; a right of its own, so it is tried before it is used.
    public var tags: Bool
    /// Objects may come in parts.
    public var multipart: Bool
    /// The smallest part but the last.
    public var minimumPartBytes: Int
    /// Parts may come at the same time.
    public var parallelParts: Bool
    /// Objects can be locked against deletion; nil where the bucket does not tell.
    public var objectLock: Bool?
    /// The bucket removes objects by rules of its own; nil where it does not tell.
    public var lifecycle: Bool?
    /// The store's clock minus the box's, seconds.
    public var clockOffset: Double?

    /// What most stores can.
    public init(
        conditionalPut: Bool = true, checksum: Bool = true, tags: Bool = false, multipart: Bool = true, minimumPartBytes: Int = 5 << 20,
        parallelParts: Bool = true, objectLock: Bool? = nil, lifecycle: Bool? = nil, clockOffset: Double? = nil
    ) {
        self.conditionalPut = conditionalPut
        self.checksum = checksum
        self.tags = tags
        self.multipart = multipart
        self.minimumPartBytes = minimumPartBytes
        self.parallelParts = parallelParts
        self.objectLock = objectLock
        self.lifecycle = lifecycle
        self.clockOffset = clockOffset
    }

    /// Whether uploads bear other headers than with `other`.
    func differsInHeaders(from other: Self) -> Bool {
        (conditionalPut, checksum, tags) != (other.conditionalPut, other.checksum, other.tags)
    }
}
