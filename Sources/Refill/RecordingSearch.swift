public import Cameras
public import Foundation

/// All recordings of a time, from a device that tells only so many at once.
public enum RecordingSearch {
    /// How many a device is asked for at once.
    public static let limit = 500
    /// What is more is not looked at.
    static let mostRounds = 20

    /// `search` answers, in order, at most so many recordings that end after a moment.
    public static func all(
        from: Date, limit: Int = limit, search: (_ from: Date, _ limit: Int) async throws -> [DeviceRecording]
    ) async throws -> [DeviceRecording] {
        var all: [DeviceRecording] = []
        var known: Set<String> = []
        var from = from
        for _ in 0..<mostRounds {
            let found = try await search(from, limit)
            // What lasts still when the search goes on is told again.
            all += found.filter { known.insert(name($0)).inserted }
            guard found.count >= limit, let last = found.max(by: { $0.from < $1.from }) else { break }
            // From the last one's beginning, for others may have begun while it lasted; from its end where that leads no further.
            let next = last.from > from ? last.from : last.to
            guard next > from else { break }
            from = next
        }
        return all
    }

    private static func name(_ recording: DeviceRecording) -> String {
        let times = [recording.from, recording.to].map(\.timeIntervalSinceReferenceDate)
        return "\(times) \(recording.kind) \(recording.reference ?? "")"
    }
}
