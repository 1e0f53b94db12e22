/// Finds how many transfers at a time a line carries best, by trying one more and looking whether it helped.
///
/// A trial of one more that gains less than a twentieth is taken back, and not tried again for a while: on a weak line every further transfer
/// only makes each slower. On a line with losses each connection alone gets less than the line, so it begins with more than two.
struct ParallelismFinder: Sendable {
    let most: Int
    /// Transfers at a time, 1 to `most`.
    private(set) var count: Int
    private var rateBefore: Double?
    private var isTrial = false
    private var patience = 0
    private static let gain = 1.05
    private static let windowsBetweenTrials = 6

    init(most: Int = 6, first: Int = 3) {
        self.most = most
        count = first
    }

    /// Takes the rate (bytes a second) of a span in which at least `count` transfers were under way all the time.
    mutating func measured(_ rate: Double) {
        defer { rateBefore = rate }
        if isTrial {
            isTrial = false
            guard let rateBefore, rate < rateBefore * Self.gain else { return }
            count -= 1
            patience = Self.windowsBetweenTrials
            return
        }
        patience -= 1
        guard patience <= 0, count < most else { return }
        count += 1
        isTrial = true
    }

    /// The line failed: begin carefully.
    mutating func failed() {
        count = max(1, count / 2)
        rateBefore = nil
        isTrial = false
        patience = 0
    }
}
