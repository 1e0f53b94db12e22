import Media
import RTSP
import Core
import Synchronization

/// Takes what one connection to a camera brings: samples into the channel's packets, documents to whoever reads the camera's events.
///
/// One task or thread calls it, in order.
final class CameraIntake: LiveClient.Taker {
    private struct State: ~Copyable {
        var reception: StreamReception?
        var documents = MetadataDocuments()
    }

    private let role: StreamRole
    private let packets: RecentPackets
    private let silence: Duration
    private let time: TimeSource
    private let told: @Sendable ([UInt8]) -> Void
    private let published: @Sendable (StreamStatus) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - silence: No picture for so long, while sound comes, is a failure.
    ///   - told: Called with each document of the metadata track.
    ///   - published: Called when there is news of what the stream sends, before the sample that brought it is there.
    init(
        role: StreamRole, packets: RecentPackets, silence: Duration, time: TimeSource, told: @escaping @Sendable ([UInt8]) -> Void,
        published: @escaping @Sendable (StreamStatus) -> Void
    ) {
        self.role = role
        self.packets = packets
        self.silence = silence
        self.time = time
        self.told = told
        self.published = published
    }

    func open(_ tracks: [StreamFormat?]) throws {
        try state.withLock {
            $0.reception = try StreamReception(tracks: tracks, role: role, now: time.uptime(), silence: silence)
        }
    }

    func take(_ item: consuming Demuxer.Item) throws {
        let arrival = time.uptime()
        let (sample, news) = try state.withLock { state -> (Sample?, StreamStatus?) in
            let sample = try state.reception?.take(item, arrival: arrival)
            return (sample, state.reception?.statusChanged == true ? state.reception?.status : nil)
        }
        guard let sample else { return }
        // First what the stream is, then its pictures: whoever gets the first of them asks for its sound.
        if let news { published(news) }
        packets.append(sample)
    }

    func takeData(_ bytes: ArraySlice<UInt8>) throws { try takeDocument(bytes) }
    func takeData(_ bytes: UnsafeRawBufferPointer) throws { try takeDocument(bytes) }

    private func takeDocument(_ bytes: some Collection<UInt8>) throws {
        let arrival = time.uptime()
        let document = try state.withLock { state in
            try state.reception?.checkPicture(at: arrival)
            return state.documents.take(bytes)
        }
        if let document { told(document) }
    }
}
