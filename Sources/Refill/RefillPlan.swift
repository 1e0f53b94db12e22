public import Cameras
public import Core
public import Foundation

/// From one moment to another, by the box's clock.
public struct Span: Sendable, Equatable {
    public var from: Date
    public var to: Date

    public init(from: Date, to: Date) {
        self.from = from
        self.to = to
    }

    /// How long it is.
    public var seconds: Double { to.timeIntervalSince(from) }

    /// Whether the two have any time in common.
    public func overlaps(_ other: Span) -> Bool { from < other.to && other.from < to }

    /// Whether `date` lies in it; its end does not.
    public func contains(_ date: Date) -> Bool { from <= date && date < to }

    func distance(to date: Date) -> Double {
        max(from.timeIntervalSince(date), date.timeIntervalSince(to), 0)
    }

    /// The same with so many seconds more on either side.
    public func widened(_ seconds: Double) -> Span {
        Span(from: from.addingTimeInterval(-seconds), to: to.addingTimeInterval(seconds))
    }

    /// What is left of it without `others`, in order.
    public func without(_ others: [Span]) -> [Span] {
        others.reduce([self]) { left, other in
            left.flatMap { span -> [Span] in
                guard span.overlaps(other) else { return [span] }
                return [Span(from: span.from, to: other.from), Span(from: other.to, to: span.to)].filter { $0.seconds > 0 }
            }
        }
    }

    /// The same in pieces of at most `seconds`.
    func pieces(of seconds: Double) -> [Span] {
        stride(from: 0, to: self.seconds, by: seconds).map { start in
            Span(from: from.addingTimeInterval(start), to: min(to, from.addingTimeInterval(start + seconds)))
        }
    }
}

/// A device's clock against the box's.
public struct ClockCorrection: Sendable, Equatable {
    /// Device time minus box time, seconds.
    public var offset: Double

    public init(offset: Double) {
        self.offset = offset
    }

    /// A moment of the box as the device calls it.
    public func device(_ date: Date) -> Date { date.addingTimeInterval(offset) }
    /// A moment of the device on the box's clock.
    public func box(_ date: Date) -> Date { date.addingTimeInterval(-offset) }
}

/// Decides which parts of a device's recordings fill an absence. It knows no device, no disk and no clock.
public struct RefillPlan: Sendable {
    /// An event that was taken down without footage.
    public struct KnownEvent: Sendable, Equatable {
        public var event: ClipManifest.Event

        public init(_ event: ClipManifest.Event) {
            self.event = event
        }
    }

    /// A clip to be made.
    public struct Piece: Sendable, Equatable {
        public var span: Span
        public var recording: DeviceRecording
        public var events: [ClipManifest.Event]
    }

    /// A clip is never longer.
    static let longest = 300.0
    /// What is shorter is not worth a clip.
    static let shortest = 2.0
    /// Devices record somewhat more around an event than the box does: so much beside a clip of the box is not missing.
    static let margin = 10.0
    /// How far a recording that began in the absence is followed beyond its end.
    static let beyond = 300.0

    private let absence: Span
    private let clock: ClockCorrection
    private let isArmed: @Sendable (Date) -> Bool
    private let covered: [Span]
    private var taken: [Span]

    /// `covered` is what the box recorded by itself, `exact` what was fetched before, is going to be, or was cut short.
    public init(
        absence: Span, clock: ClockCorrection, covered: [Span], exact: [Span], isArmed: @escaping @Sendable (Date) -> Bool
    ) {
        self.absence = absence
        self.clock = clock
        self.isArmed = isArmed
        self.covered = covered
        taken = exact
    }

    /// The clips to be made; where there are none, a sentence says why.
    public mutating func pieces(_ recordings: [DeviceRecording], known: [KnownEvent]) -> (pieces: [Piece], sentence: String?) {
        let spans = recordings.map { ($0, Span(from: clock.box($0.from), to: clock.box($0.to))) }
        let ofEvents = spans.filter { [.motion, .event].contains($0.0.kind) }
        let others = spans.filter { ![.motion, .event].contains($0.0.kind) }
        taken += covered.map { Self.widened($0, known: known) }
        let loose = known.filter { one in !ofEvents.contains { $0.1.contains(one.event.startedAt) } }
        var pieces: [Piece] = []
        for (recording, span) in ofEvents { pieces += ofEvent(recording, span, known: known, loose: loose) }
        let shown = Set(pieces.flatMap { piece in piece.events.filter { piece.span.contains($0.startedAt) }.map(\.id) })
        for one in known where !shown.contains(one.event.id) { pieces += around(one, in: ofEvents + others) }
        pieces.sort { $0.span.from < $1.span.from }
        guard pieces.isEmpty else { return (pieces, nil) }
        return ([], Self.why(ofEvents: ofEvents.count, others: others.count, known: known.count))
    }

    private static func why(ofEvents: Int, others: Int, known: Int) -> String {
        if ofEvents > 0 { return "What the device recorded in this time is here already, or was not to be recorded." }
        if others > 0 {
            return known > 0
                ? "The device's recordings do not hold the events of this time."
                : "The device only has recordings that do not say whether something happened, so nothing was refilled."
        }
        return "The device has no recordings of this time."
    }

    /// What counts as had around a clip of the box; an event without footage that lies so close to it is missing all the same.
    private static func widened(_ clip: Span, known: [KnownEvent]) -> Span {
        let wide = clip.widened(margin)
        let times = known.map(\.event.startedAt).filter { wide.contains($0) }
        return Span(
            from: times.contains { $0 < clip.from } ? clip.from : wide.from, to: times.contains { $0 >= clip.to } ? clip.to : wide.to)
    }

    /// A recording of an event: all of it that is missing. `loose` are events that no such recording holds.
    private mutating func ofEvent(_ recording: DeviceRecording, _ whole: Span, known: [KnownEvent], loose: [KnownEvent]) -> [Piece] {
        let wanted = Span(
            from: max(whole.from, absence.from.addingTimeInterval(-Self.margin)),
            to: min(whole.to, absence.to.addingTimeInterval(Self.beyond)))
        guard wanted.seconds >= Self.shortest, wanted.overlaps(absence) else { return [] }
        let began = wanted.from.addingTimeInterval(min(5, wanted.seconds / 2))
        guard isArmed(began) else { return [] }
        var guess = ClipManifest.Event(
            id: .timeOrdered(at: began), category: recording.category ?? (recording.kind == .motion ? .motion : .other), source: .camera,
            startedAt: began)
        guess.deviceTime = clock.device(began)
        let spans = missing(wanted)
        let inside = known.map(\.event).filter { whole.contains($0.startedAt) }
        return spans.map { span in
            let events = inside.filter { span.contains($0.startedAt) }
            guard events.isEmpty else { return Piece(span: span, recording: recording, events: events) }
            // An event of a later clip out of this recording is that clip's; one shortly beside is what the device recorded.
            let near = span.widened(Self.margin)
            let nearest =
                (inside.filter { one in one.startedAt < span.from || !spans.contains { $0.contains(one.startedAt) } }
                + loose.map(\.event).filter { near.contains($0.startedAt) })
                .min { span.distance(to: $0.startedAt) < span.distance(to: $1.startedAt) }
            return Piece(span: span, recording: recording, events: [nearest ?? guess])
        }
    }

    /// An event that is known: its time out of whatever the device recorded then.
    private mutating func around(_ known: KnownEvent, in recordings: [(DeviceRecording, Span)]) -> [Piece] {
        let at = known.event.startedAt
        guard let (recording, whole) = recordings.first(where: { $0.1.contains(at) }) else { return [] }
        let wanted = Span(from: max(whole.from, at.addingTimeInterval(-5)), to: min(whole.to, at.addingTimeInterval(25)))
        return missing(wanted).filter { $0.contains(at) }.map { Piece(span: $0, recording: recording, events: [known.event]) }
    }

    private mutating func missing(_ wanted: Span) -> [Span] {
        let missing = wanted.without(taken.filter { $0.overlaps(wanted) }).filter { $0.seconds >= Self.shortest }
        taken += missing
        return missing.flatMap { $0.pieces(of: Self.longest) }.filter { $0.seconds >= Self.shortest }
    }
}
