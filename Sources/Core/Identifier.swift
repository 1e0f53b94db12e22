// Core owns only what several modules must share: identifiers, time, events, states, the bounded fan-out.
// Nothing that knows FFmpeg, SQL, HTTP or a vendor's protocol may enter it.

public import Foundation

/// An identifier of one kind of thing, so that a channel's cannot be passed where a clip's is meant.
public struct Identifier<Kind>: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 1 to 64 characters of `[A-Za-z0-9_-]`: safe as a path component, an object key part and a URL segment.
    public let text: String

    /// Takes `text` if it is well formed.
    public init?(_ text: String) {
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        self.text = text
    }

    private init(unchecked text: String) {
        self.text = text
    }

    /// A new identifier that sorts by the time of its making: 48 bits of milliseconds since 1970, then 80 random bits,
    /// as 32 hexadecimal digits (the order of RFC 9562's UUID version 7).
    public static func timeOrdered(at time: Date) -> Self {
        let milliseconds = UInt64(max(0, time.timeIntervalSince1970 * 1000))
        let high = UInt64.random(in: .min ... .max)
        let low = UInt64.random(in: .min ... .max)
        return Self(unchecked: hex(milliseconds, digits: 12) + hex(0x7000 | high & 0xFFF, digits: 4) + hex(low, digits: 16))
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let valid = Self(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an identifier")
        }
        self = valid
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    public var description: String { text }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func hex(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}

/// Marks the identifiers of sites.
public enum SiteKind {}
/// Marks the identifiers of devices.
public enum DeviceKind {}
/// Marks the identifiers of channels.
public enum ChannelKind {}
/// Marks the identifiers of events.
public enum EventKind {}
/// Marks the identifiers of clips.
public enum ClipKind {}

public typealias SiteID = Identifier<SiteKind>
public typealias DeviceID = Identifier<DeviceKind>
public typealias ChannelID = Identifier<ChannelKind>
public typealias EventID = Identifier<EventKind>
public typealias ClipID = Identifier<ClipKind>
