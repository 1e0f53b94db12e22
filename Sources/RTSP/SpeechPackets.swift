import CameraProtocols
import Core

/// Sound of G.711 as packets of RTP at the pace of speech (RFC 3551, sections 4.1 and 4.5.14).
struct SpeechPackets {
    /// What is to be done next.
    enum Step: Equatable {
        case packet([UInt8])
        /// The next packet is not due before.
        case wait(Duration)
        /// There is nothing to say.
        case dry
        /// All was said.
        case done
    }

    /// Samples of a packet: 20 ms.
    static let piece = 160
    /// Without sound for so long it was silent; less is the network's unrest.
    static let silence = Duration.milliseconds(200)
    /// What waits longer than that pushes out what is oldest: four seconds.
    static let mostWaiting = 4 * rate
    private static let rate = 8000

    private let payloadType: UInt8
    private let source: UInt32
    private var sequence: UInt16
    private var timestamp: UInt32
    private var waiting: [UInt8] = []
    private var isFinished = false
    /// Of the next packet; nil before the first.
    private var due: Duration?
    private var begins = true

    /// `source`, `sequence` and `timestamp` should be random (RFC 3550, section 5.1).
    init(payloadType: UInt8, source: UInt32, sequence: UInt16, timestamp: UInt32) {
        self.payloadType = payloadType & 0x7F
        self.source = source
        self.sequence = sequence
        self.timestamp = timestamp
    }

    /// Takes sound up.
    mutating func append(_ bytes: [UInt8]) {
        waiting += bytes.suffix(Self.mostWaiting)
        if waiting.count > Self.mostWaiting { waiting.removeFirst(waiting.count - Self.mostWaiting) }
    }

    /// No more will come.
    mutating func finish() {
        isFinished = true
    }

    /// What is to be done at `now`, by the monotonic clock; a packet is to be sent at once.
    mutating func next(at now: Duration) -> Step {
        guard waiting.count >= Self.piece || isFinished && !waiting.isEmpty else { return isFinished ? .done : .dry }
        let planned = due ?? now
        guard now >= planned else { return .wait(planned - now) }
        let late = now - planned
        if late >= Self.silence {
            // The time in which nothing was said passed for the listener as well.
            timestamp &+= UInt32(truncatingIfNeeded: Int64(late.seconds * Double(Self.rate)))
            begins = true
        }
        let sound = waiting.prefix(Self.piece)
        let packet = head + sound
        waiting.removeFirst(sound.count)
        due = (late >= Self.silence ? now : planned) + .microseconds(sound.count * 1_000_000 / Self.rate)
        sequence &+= 1
        timestamp &+= UInt32(sound.count)
        begins = false
        return .packet(packet)
    }

    /// Of the next packet (RFC 3550, section 5.1); the first after silence is marked.
    private var head: [UInt8] {
        var head: [UInt8] = [0x80, payloadType | (begins ? 0x80 : 0), UInt8(sequence >> 8), UInt8(sequence & 0xFF)]
        for word in [timestamp, source] { head += (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
        return head
    }
}
