public import Media

/// What one viewer watches. One task reads at a time.
public protocol ViewerSource: Sendable {
    /// What comes next; the first begins with the newest key frame. Nil when the stream is over, or the task is cancelled.
    func next() async -> ViewerBatch?
    /// Lets `next` begin at the newest key frame again.
    func rewind()
    /// Counts what was sent, and pictures that were left out.
    func count(bytes: Int, missed: Int)
}

/// Samples in a row, on the time line of who watches.
public struct ViewerBatch: Sendable {
    public let samples: [(sample: Sample, time: MediaTime)]
    /// Pictures that were left out before them.
    public let missed: Int

    public init(samples: [(sample: Sample, time: MediaTime)], missed: Int) {
        self.samples = samples
        self.missed = missed
    }
}
