/// A picture as it was put together from packets.
public struct AccessUnit: Sendable, Equatable {
    /// Units behind start codes (ITU-T H.264 and H.265, annex B).
    public var bytes: [UInt8]
    /// Of its packets.
    public var timestamp: UInt32
    /// Decoding may start here.
    public var isKeyFrame: Bool
}

/// Puts pictures of H.264 and H.265 together again from payloads of RTP (RFC 6184, modes 0 and 1; RFC 7798 without decoding order numbers).
///
/// A picture is whole with the packet that bears the marker, without a wait for the next. Cameras that mark every unit, or none, are
/// found out by what they send; theirs are whole when the next picture begins.
public struct VideoAssembly: Sendable {
    /// A picture that grows beyond this is none.
    static let largestPicture = 8 << 20

    private let isH265: Bool
    private var bytes: [UInt8] = []
    private var timestamp: UInt32 = 0
    private var hasPicture = false
    private var isKeyFrame = false
    /// A unit in pieces is under way.
    private var isInPieces = false
    private var isTooLarge = false
    /// How it was before the unit under way.
    private var before = (count: 0, hasPicture: false, isKeyFrame: false)
    /// Of the picture that was given last by its marker.
    private var marked: UInt32?
    /// The camera's markers do not tell where pictures end.
    private(set) var distrustsMarkers = false

    /// An assembly of one track's pictures.
    public init(isH265: Bool) {
        self.isH265 = isH265
    }

    /// Takes the payload of the next packet; gives the pictures that it completes: two as a rule at most, more where an aggregate holds several.
    ///
    /// - Parameter isAfterLoss: The packet before it is missing.
    public mutating func take(_ payload: ArraySlice<UInt8>, timestamp: UInt32, isMarked: Bool, isAfterLoss: Bool) -> [AccessUnit] {
        if isAfterLoss {
            dropPieces()
            // What said that decoding may start may have been said of the picture that is lost.
            if !hasPicture { isKeyFrame = false }
        }
        var done: [AccessUnit] = []
        if timestamp != self.timestamp {
            dropPieces()
            if hasPicture { done.append(finish()) }
            self.timestamp = timestamp
        }
        if isH265 { takeH265(payload, &done) } else { takeH264(payload, &done) }
        if isMarked, hasPicture, !isInPieces, !distrustsMarkers {
            done.append(finish())
            marked = timestamp
        }
        return done
    }

    // MARK: Payloads

    private mutating func takeH264(_ payload: ArraySlice<UInt8>, _ done: inout [AccessUnit]) {
        guard let first = payload.first else { return }
        switch first & 0x1F {
        case 24: takeAggregate(payload.dropFirst(), &done)
        case 28:
            guard payload.count > 2 else { return }
            let header = payload[payload.startIndex + 1]
            takePiece(payload.dropFirst(2), [first & 0xE0 | header & 0x1F], begins: header & 0x80 != 0, ends: header & 0x40 != 0, &done)
        // Of modes with decoding order numbers, which nobody offers here, or reserved.
        case 25...27, 29...31: dropPieces()
        default: takeUnit(payload, &done)
        }
    }

    private mutating func takeH265(_ payload: ArraySlice<UInt8>, _ done: inout [AccessUnit]) {
        guard payload.count > 2, let first = payload.first else { return }
        let second = payload[payload.startIndex + 1]
        switch first >> 1 & 0x3F {
        case 48: takeAggregate(payload.dropFirst(2), &done)
        case 49:
            guard payload.count > 3 else { return }
            let header = payload[payload.startIndex + 2]
            takePiece(
                payload.dropFirst(3), [first & 0x81 | (header & 0x3F) << 1, second], begins: header & 0x80 != 0, ends: header & 0x40 != 0,
                &done)
        case 50...63: dropPieces()
        default: takeUnit(payload, &done)
        }
    }

    /// Several units, each behind its length (STAP-A; RFC 7798: AP).
    private mutating func takeAggregate(_ payload: ArraySlice<UInt8>, _ done: inout [AccessUnit]) {
        var rest = payload
        while rest.count > 2 {
            let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            rest = rest.dropFirst(2)
            guard length <= rest.count else { return }
            takeUnit(rest.prefix(length), &done)
            rest = rest.dropFirst(length)
        }
    }

    private mutating func takeUnit(_ unit: ArraySlice<UInt8>, _ done: inout [AccessUnit]) {
        dropPieces()
        // Some cameras leave the start code where it was.
        let zeros = unit.prefix(3).prefix { $0 == 0 }.count
        let unit = zeros >= 2 && unit.dropFirst(zeros).first == 1 ? unit.dropFirst(zeros + 1) : unit
        guard unit.count > (isH265 ? 2 : 1) else { return }
        begin(unit, &done)
        append(unit)
    }

    /// A piece of a unit (FU-A; RFC 7798: FU).
    private mutating func takePiece(
        _ piece: ArraySlice<UInt8>, _ header: [UInt8], begins: Bool, ends: Bool, _ done: inout [AccessUnit]
    ) {
        if begins {
            dropPieces()
            begin(header + piece.prefix(8), &done)
            append(header[...])
            isInPieces = true
        } else if !isInPieces {
            // Its beginning was lost.
            return
        }
        append(piece)
        if ends { isInPieces = false }
    }

    // MARK: Units

    /// A unit begins: perhaps the first of a picture.
    private mutating func begin(_ unit: some Collection<UInt8>, _ done: inout [AccessUnit]) {
        let head = Array(unit.prefix(64))
        let type = isH265 ? head[0] >> 1 & 0x3F : head[0] & 0x1F
        let isPicture = isH265 ? type < 32 : (1...5).contains(type)
        before = (bytes.count, hasPicture, isKeyFrame)
        let slice = isH265 ? 2 : 1
        if isPicture, head.count > slice {
            // The first slice has the number 0, written as one bit.
            if head[slice] & 0x80 != 0 {
                if hasPicture { done.append(finish()) }
                before = (bytes.count, false, false)
            } else if marked == timestamp, !hasPicture {
                distrustsMarkers = true
            }
            hasPicture = true
            if isH265 ? (16...23).contains(type) : type == 5 { isKeyFrame = true }
        } else if !isH265, type == 6, Self.hasRecoveryPoint(head) {
            if hasPicture { done.append(finish()) }
            isKeyFrame = true
        }
        append([0, 0, 0, 1])
    }

    /// Whether a unit of messages has one that says that decoding may start here (ITU-T H.264, D.1.8).
    private static func hasRecoveryPoint(_ unit: [UInt8]) -> Bool {
        var index = 1
        while index + 1 < unit.count, unit[index] != 0x80 {
            var (type, size) = (0, 0)
            while index < unit.count, unit[index] == 0xFF { (type, index) = (type + 255, index + 1) }
            guard index < unit.count else { return false }
            (type, index) = (type + Int(unit[index]), index + 1)
            while index < unit.count, unit[index] == 0xFF { (size, index) = (size + 255, index + 1) }
            guard index < unit.count else { return false }
            (size, index) = (size + Int(unit[index]), index + 1)
            if type == 6 { return true }
            index += size
        }
        return false
    }

    private mutating func append(_ more: ArraySlice<UInt8>) {
        guard bytes.count + more.count <= Self.largestPicture else {
            isTooLarge = true
            return
        }
        bytes.append(contentsOf: more)
    }

    /// A unit of which a piece is missing is of no use.
    private mutating func dropPieces() {
        guard isInPieces else { return }
        bytes.removeSubrange(before.count...)
        (hasPicture, isKeyFrame, isInPieces) = (before.hasPicture, before.isKeyFrame, false)
    }

    /// The picture so far, and a new one from here.
    private mutating func finish() -> AccessUnit {
        defer {
            bytes = []
            (hasPicture, isKeyFrame, isTooLarge, marked) = (false, false, false, nil)
            // The unit that begins the next picture has nothing before it.
            before = (0, false, false)
        }
        // A picture cut off somewhere is none: an empty one is passed over by whoever takes it.
        return AccessUnit(bytes: isTooLarge ? [] : bytes, timestamp: timestamp, isKeyFrame: isKeyFrame)
    }
}
