import Core
import Foundation
import Media
public import NIOCore
import Synchronization

// What players ask for.
extension Playlist {
    /// The playlist; where a player asks for a `segment` (and `part`) that is not there yet, as soon as it is. Names in it bear `suffix`.
    ///
    /// Nil where nothing comes in time, or where more is asked for than comes next.
    public func text(segment: Int? = nil, part: Int? = nil, suffix: String) async -> String? {
        await first { content -> String? in
            guard content.segments.contains(where: { !$0.parts.isEmpty }) else { return nil }
            if let segment {
                guard let last = content.segments.last else { return nil }
                if let part {
                    guard last.number > segment || last.number == segment && last.parts.count > part else { return nil }
                } else {
                    guard last.number > segment || last.number == segment && last.isComplete else { return nil }
                }
            }
            return Self.text(content, suffix: suffix)
        }
    }

    /// Whether so far ahead of what is there nothing is waited for (a server answers 400 then).
    public func isFarAhead(segment: Int) -> Bool { content.withLock { segment > $0.next + 1 } }

    /// The beginning of a number.
    public func head(_ number: Int) -> ByteBuffer? { content.withLock { $0.heads[number]?.bytes } }

    /// A segment that is complete, or as soon as it is; nil for one that is gone.
    public func segment(_ number: Int) async -> ByteBuffer? {
        await first { content -> ByteBuffer?? in
            guard let segment = content.segments.first(where: { $0.number == number }) else {
                return number < content.next ? .some(nil) : nil
            }
            guard segment.isComplete else { return nil }
            return segment.parts.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1.bytes) }
        } ?? nil
    }

    /// A part, as soon as it is there; nil for one that is gone or never came.
    public func part(_ part: Int, of number: Int) async -> ByteBuffer? {
        await first { content -> ByteBuffer?? in
            guard let segment = content.segments.first(where: { $0.number == number }) else {
                return number < content.next ? .some(nil) : nil
            }
            if part < segment.parts.count { return segment.parts[part].bytes }
            return segment.isComplete ? .some(nil) : nil
        } ?? nil
    }

    /// Waits until `look` finds something, three targets at most.
    private func first<Found: Sendable>(_ look: (borrowing Content) -> Found?) async -> Found? {
        let signal = Signal()
        let id = content.withLock { content in
            content.nextWaiting += 1
            content.waiting[content.nextWaiting] = signal
            return content.nextWaiting
        }
        defer { content.withLock { _ = $0.waiting.removeValue(forKey: id) } }
        let until = time.uptime() + Self.target * 3
        while !Task.isCancelled {
            let (found, hasEnded) = content.withLock { (look($0), $0.hasEnded) }
            let left = until - time.uptime()
            if found != nil || hasEnded || left <= .zero { return found }
            await signal.wait(atMost: left, time: time)
        }
        return nil
    }

    // MARK: Text

    private static func text(_ content: borrowing Content, suffix: String) -> String {
        let first = content.segments.first { $0.number >= content.listed }?.number ?? 0
        var lines = [
            "#EXTM3U", "#EXT-X-VERSION:9", "#EXT-X-TARGETDURATION:\(Int(target.seconds))",
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=\(seconds(content.partTarget * 3))",
            "#EXT-X-PART-INF:PART-TARGET=\(seconds(content.partTarget))", "#EXT-X-MEDIA-SEQUENCE:\(first)",
            "#EXT-X-DISCONTINUITY-SEQUENCE:\(content.discontinuities)",
        ]
        var head: Int?
        let withParts = content.next - keptParts
        for segment in content.segments where segment.number >= content.listed {
            if segment.isDiscontinuous { lines.append("#EXT-X-DISCONTINUITY") }
            if segment.head != head { lines.append("#EXT-X-MAP:URI=\"head-\(segment.head).mp4\(suffix)\"") }
            head = segment.head
            lines.append("#EXT-X-PROGRAM-DATE-TIME:\(GatehouseJSON.text(segment.startsAt))")
            if segment.number >= withParts {
                for (number, part) in segment.parts.enumerated() {
                    let independent = part.isIndependent ? ",INDEPENDENT=YES" : ""
                    lines.append(
                        "#EXT-X-PART:DURATION=\(seconds(part.duration)),URI=\"part-\(segment.number)-\(number).m4s\(suffix)\"\(independent)"
                    )
                }
            }
            if segment.isComplete { lines += ["#EXTINF:\(seconds(segment.duration)),", "segment-\(segment.number).m4s\(suffix)"] }
        }
        if let last = content.segments.last {
            let hint = last.isComplete ? "part-\(last.number + 1)-0" : "part-\(last.number)-\(last.parts.count)"
            lines.append("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"\(hint).m4s\(suffix)\"")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func seconds(_ duration: Duration) -> String {
        let milliseconds = duration.microseconds / 1000
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }
}
