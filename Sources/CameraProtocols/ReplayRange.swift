public import Foundation

/// A part of a recording by the device's clock, as `Range` names it: `clock=20241001T101500.250Z-20241001T101600Z` (RFC 2326,
/// section 3.7, and ONVIF Streaming, replay).
public struct ReplayRange: Sendable, Equatable {
    public var from: Date
    /// Nil goes on to the recording's end.
    public var to: Date?

    public init(from: Date, to: Date?) {
        self.from = from
        self.to = to
    }

    /// Reads the value of a `Range` header; nil for one in other units, or without a beginning.
    public init?(_ text: String) {
        let value = (text.split(separator: ";").first ?? "").trimmingASCIISpaces()
        guard value.utf8.count <= 128, value.lowercased().hasPrefix("clock=") else { return nil }
        let times = value.dropFirst(6).trimmingASCIISpaces()
        // A dash also stands inside of dates that are written with dashes; behind a time in UTC it separates.
        let first: String
        let second: String
        if let mark = times.range(of: "Z-", options: .caseInsensitive) {
            (first, second) = (String(times[..<mark.lowerBound]) + "Z", String(times[mark.upperBound...]))
        } else {
            (first, second) = (times.hasSuffix("-") ? String(times.dropLast()) : times, "")
        }
        guard let from = DeviceTime(first)?.date else { return nil }
        self.from = from
        to = second.isEmpty ? nil : DeviceTime(second)?.date
    }

    /// The value of a `Range` header, to the millisecond.
    public var text: String { "clock=\(Self.text(from))-\(to.map(Self.text) ?? "")" }

    private static func text(_ date: Date) -> String {
        // Half a millisecond more, for the style cuts off.
        Date(timeIntervalSince1970: (date.timeIntervalSince1970 * 1000).rounded() / 1000 + 0.0005).formatted(
            Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted, includingFractionalSeconds: true))
    }
}
