/// A piece of sound as it was taken out of a packet.
public struct SoundUnit: Sendable, Equatable {
    public var bytes: [UInt8]
    public var timestamp: UInt32
    /// How long it sounds, in ticks of the track's clock.
    public var ticks: Int
}

/// Takes the sound out of payloads of RTP: G.711 (RFC 3551) and AAC in high bit rate mode (RFC 3640, section 3.3.6).
public struct AudioAssembly: Sendable {
    public enum Coding: Sendable, Equatable {
        /// Octets, one of each channel a tick.
        case g711(channels: Int)
        /// Access units behind headers of 13 bits of size and 3 of index.
        case aac
    }

    /// Samples of a unit of AAC; cameras send no other.
    static let samplesOfAAC = 1024
    private static let mostUnits = 64

    private let coding: Coding
    /// What has come of a unit in several packets, and how large it is to be.
    private var pieces: (bytes: [UInt8], size: Int, timestamp: UInt32)?

    public init(coding: Coding) {
        self.coding = coding
    }

    /// Takes the payload of the next packet; gives the pieces of sound that it completes.
    ///
    /// - Parameter isAfterLoss: The packet before it is missing.
    public mutating func take(_ payload: ArraySlice<UInt8>, timestamp: UInt32, isAfterLoss: Bool) -> [SoundUnit] {
        guard case .g711(let channels) = coding else { return takeAAC(payload, timestamp: timestamp, isAfterLoss: isAfterLoss) }
        guard !payload.isEmpty else { return [] }
        return [SoundUnit(bytes: Array(payload), timestamp: timestamp, ticks: payload.count / max(1, channels))]
    }

    private mutating func takeAAC(_ payload: ArraySlice<UInt8>, timestamp: UInt32, isAfterLoss: Bool) -> [SoundUnit] {
        if isAfterLoss || pieces?.timestamp != timestamp { pieces = nil }
        let start = payload.startIndex
        guard payload.count > 4 else { return [] }
        // The headers' length is in bits, each of them has 16.
        let headers = (Int(payload[start]) << 8 | Int(payload[start + 1])) / 16
        guard (1...Self.mostUnits).contains(headers), payload.count > 2 + headers * 2 else { return [] }
        var rest = payload.dropFirst(2 + headers * 2)
        var units: [SoundUnit] = []
        for number in 0..<headers {
            let size = (Int(payload[start + 2 + number * 2]) << 8 | Int(payload[start + 3 + number * 2])) >> 3
            guard size > 0 else { continue }
            let moment = timestamp &+ UInt32(number * Self.samplesOfAAC)
            guard size <= rest.count else {
                // One unit over several packets (section 3.2.3.2): each repeats its header.
                if headers == 1, let whole = piece(rest, of: size, moment) { units.append(whole) }
                break
            }
            units.append(SoundUnit(bytes: Array(rest.prefix(size)), timestamp: moment, ticks: Self.samplesOfAAC))
            rest = rest.dropFirst(size)
        }
        return units
    }

    private mutating func piece(_ bytes: ArraySlice<UInt8>, of size: Int, _ timestamp: UInt32) -> SoundUnit? {
        if pieces?.size != size { pieces = ([], size, timestamp) }
        pieces?.bytes += bytes
        guard let all = pieces?.bytes, all.count >= size else { return nil }
        pieces = nil
        return all.count == size ? SoundUnit(bytes: all, timestamp: timestamp, ticks: Self.samplesOfAAC) : nil
    }
}
