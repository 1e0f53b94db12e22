public import Core
public import Media

/// Why a stream is not given to a reader: what RTSP answers, and a sentence for the log.
public struct RTSPServerRefusal: Error, Sendable, Equatable {
    public let status: Int
    public let reason: String

    /// There is no such stream.
    public static let notFound = RTSPServerRefusal(status: 404, reason: "Not Found")
    /// The camera sends nothing just now.
    public static let noPicture = RTSPServerRefusal(status: 503, reason: "Service Unavailable")
    /// As many watch as may.
    public static let tooMany = RTSPServerRefusal(status: 453, reason: "Not Enough Bandwidth")
}

/// Where a server's streams come from; what they are streams of, it does not know.
public protocol RTSPSource: Sendable {
    /// Opens the stream at a path (without its first slash) for a user who has signed in.
    /// - Throws: `RTSPServerRefusal`.
    func open(_ path: String, user: String, address: String) async throws -> any RTSPStream
}

/// A stream that is there: it is held open while somebody holds this.
public protocol RTSPStream: Sendable {
    var formats: [StreamFormat] { get }
    /// Begins to watch.
    /// - Throws: `RTSPServerRefusal`.
    func watch() async throws -> any RTSPWatching
}

/// One who watches a stream. One task reads at a time.
///
/// A class: to copy any other kind of value for each picture of each reader costs more than to hold one.
public protocol RTSPWatching: AnyObject, Sendable {
    /// What comes next; the first is the newest key frame. Nil when the stream is over, or the task is cancelled.
    ///
    /// It stays with whoever asks: a change of thread for each picture of each reader would cost more than the rest of the work.
    nonisolated(nonsending) func next() async -> RTSPBatch?
    /// As `next`, without a wait.
    func poll() -> RTSPPoll
    /// Has `bell` rung whenever `poll` may have more, until the next gap and while nobody waits in `next`; nil ends that.
    func listen(to bell: (any Bell)?)
    /// Lets `next` begin at the newest key frame again; times go on rising.
    func rewind()
    /// Counts what was sent.
    func count(bytes: Int, missed: Int)
    /// Runs `work` until it ends or the permission to watch does.
    func whileItLasts(_ work: @escaping @Sendable () async throws -> Void) async throws
}

/// What there is without a wait.
public enum RTSPPoll: Sendable {
    case batch(RTSPBatch)
    case nothing
    /// `next` has to wait for the stream.
    case gap
}

/// Samples in a row, on the time line of who watches.
public struct RTSPBatch: Sendable {
    public let samples: [(sample: Sample, time: MediaTime)]
    /// Pictures that were left out before them.
    public let missed: Int

    public init(samples: [(sample: Sample, time: MediaTime)], missed: Int) {
        self.samples = samples
        self.missed = missed
    }
}
