public import Core
public import Foundation
public import Refill

/// What there is of a channel between two times, and what is missing and why.
public struct ChannelTimeline: Sendable, Equatable {
    /// Footage without a break.
    public struct Footage: Sendable, Equatable {
        public var piece: FootagePiece
        /// It can be played now.
        public var isPlayable: Bool
        /// It opens with the verification code alone.
        public var isEncrypted: Bool
        public var category: CameraEvent.Category?

        public init(piece: FootagePiece, isPlayable: Bool = true, isEncrypted: Bool = false, category: CameraEvent.Category? = nil) {
            self.piece = piece
            self.isPlayable = isPlayable
            self.isEncrypted = isEncrypted
            self.category = category
        }
    }

    /// A time of which something should be there and is not.
    public struct Gap: Sendable, Equatable {
        public var span: Span
        /// Why; a sentence.
        public var reason: String
        /// What became of it; a sentence.
        public var outcome: String?

        public init(span: Span, reason: String, outcome: String? = nil) {
            self.span = span
            self.reason = reason
            self.outcome = outcome
        }
    }

    public var span: Span
    /// In order of their beginnings.
    public var footage: [Footage]
    public var gaps: [Gap]
    /// Why the device's own recordings are not among them, or there is more than is told.
    public var sentence: String?

    /// No answer has more of either.
    public static let most = 5000
    /// Shorter gaps are none: a clip may end a moment before the next begins.
    private static let shortestGap = 1.0

    /// Puts the box's clips, the device's recordings and what is known to be missing together.
    ///
    /// A gap is what is left of it without footage: what was refilled is missing no more.
    public init(span: Span, clips: [Footage], recordings: [Footage], gaps: [Gap], sentence: String? = nil) {
        self.span = span
        self.sentence = sentence
        let all = (clips + Self.joined(recordings)).filter { $0.piece.span.overlaps(span) }
            .sorted { ($0.piece.span.from, $0.piece.span.to) < ($1.piece.span.from, $1.piece.span.to) }
        footage = Array(all.prefix(Self.most))
        if all.count > Self.most { self.sentence = sentence ?? "There is more than can be told at once. Look at a shorter time." }
        let covered = Self.union(all.map(\.piece.span))
        let left = gaps.filter { $0.span.overlaps(span) }.flatMap { gap in
            gap.span.clipped(to: span).without(covered.filter { $0.overlaps(gap.span) }).filter { $0.seconds >= Self.shortestGap }
                .map { Gap(span: $0, reason: gap.reason, outcome: gap.outcome) }
        }
        self.gaps = Array(left.sorted { $0.span.from < $1.span.from }.prefix(Self.most))
    }

    /// Devices keep what they record all the time in files; where one goes on in the next is of no interest.
    static func joined(_ recordings: [Footage]) -> [Footage] {
        var joined: [Footage] = []
        for kind in FootageKind.allCases {
            let ordered = recordings.filter { $0.piece.kind == kind }.sorted { $0.piece.span.from < $1.piece.span.from }
            for one in ordered {
                if let last = joined.last, last.piece.kind == kind, last.category == one.category,
                    one.piece.span.from <= last.piece.span.to.addingTimeInterval(Self.shortestGap)
                {
                    let span = Span(from: last.piece.span.from, to: max(last.piece.span.to, one.piece.span.to))
                    joined[joined.count - 1].piece = FootagePiece(place: .device, kind: kind, clip: nil, span: span)
                } else {
                    joined.append(one)
                }
            }
        }
        return joined
    }

    /// The same times without overlaps, in order.
    static func union(_ spans: [Span]) -> [Span] {
        spans.sorted { $0.from < $1.from }.reduce(into: []) { union, span in
            if let last = union.last, span.from <= last.to {
                union[union.count - 1].to = max(last.to, span.to)
            } else {
                union.append(span)
            }
        }
    }

    /// The days of a month, 1 to 31, by the clocks of `zone`, of which `spans` have something.
    public static func days(of spans: [Span], year: Int, month: Int, zone: TimeZone) -> Set<Int> {
        guard let whole = Self.month(year: year, month: month, zone: zone) else { return [] }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        var days: Set<Int> = []
        for span in spans where span.overlaps(whole) {
            var moment = max(span.from, whole.from)
            while moment < min(span.to, whole.to) {
                days.insert(calendar.component(.day, from: moment))
                // Midnight of the next day, whatever the clocks do in between.
                guard let next = calendar.date(byAdding: .day, value: 1, to: calendar.startOfDay(for: moment)), next > moment else { break }
                moment = next
            }
        }
        return days
    }

    /// From the first moment of a month to the first of the next.
    public static func month(year: Int, month: Int, zone: TimeZone) -> Span? {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        guard let first = calendar.date(from: DateComponents(year: year, month: month, day: 1)),
            let next = calendar.date(byAdding: .month, value: 1, to: first)
        else { return nil }
        return Span(from: first, to: next)
    }
}

extension Span {
    /// The part of it that lies within `other`.
    func clipped(to other: Span) -> Span { Span(from: max(from, other.from), to: max(max(from, other.from), min(to, other.to))) }
}

/// Which footage comes next: pure, of what is known.
enum FootageOrder {
    /// Less than this is not worth beginning with.
    static let shortest = 0.5

    /// The clip that is played at `moment`, or the next one that begins, whose span begins no earlier than `moment`.
    static func next(after moment: Date, in footage: [ChannelTimeline.Footage]) -> ChannelTimeline.Footage? {
        let rest = footage.filter { $0.isPlayable && $0.piece.span.to.timeIntervalSince(moment) > shortest }
        let covering = rest.filter { $0.piece.span.from <= moment }.max { $0.piece.span.to < $1.piece.span.to }
        return covering.map { $0.beginning(at: moment) } ?? rest.min { $0.piece.span.from < $1.piece.span.from }
    }
}

extension ChannelTimeline.Footage {
    /// The rest of it from a moment on.
    func beginning(at moment: Date) -> Self {
        var rest = self
        let span = Span(from: max(piece.span.from, moment), to: piece.span.to)
        rest.piece = FootagePiece(place: piece.place, kind: piece.kind, clip: piece.clip, span: span)
        return rest
    }

    /// Its part up to a moment.
    func ending(by moment: Date) -> Self {
        var part = self
        let span = Span(from: piece.span.from, to: min(piece.span.to, moment))
        part.piece = FootagePiece(place: piece.place, kind: piece.kind, clip: piece.clip, span: span)
        return part
    }
}
