public import Media
public import NIOCore
import Synchronization

/// A sample's packets as they go within an RTSP connection (RFC 2326, section 10.12), made once for all readers: what differs from reader to
/// reader is filled in.
public struct PacketTemplate: Sendable {
    /// The framing before each packet: a dollar sign, the channel, the length.
    static let framing = 4

    /// One packet's place.
    struct Place: Sendable {
        /// Where its framing begins.
        let start: Int
        let isMarked: Bool
        /// After the sample's own time, in ticks.
        let ticks: UInt32
    }

    var bytes = ByteBuffer()
    var places: [Place] = []
    var payloadBytes = 0

    mutating func add(_ ticks: UInt32, isMarked: Bool, size: Int, _ write: (inout ByteBuffer) -> Void) {
        places.append(Place(start: bytes.writerIndex, isMarked: isMarked, ticks: ticks))
        bytes.writeInteger(UInt8(ascii: "$"))
        bytes.writeInteger(0 as UInt8)
        bytes.writeInteger(UInt16(truncatingIfNeeded: RTPTrack.headerSize + size))
        // Version 2, no padding, no extension; the rest differs.
        bytes.writeInteger(0x80 as UInt8)
        bytes.writeRepeatingByte(0, count: RTPTrack.headerSize - 1)
        write(&bytes)
        payloadBytes += size
    }
}

/// The templates of the last samples, for readers that get the same samples at about the same time.
public final class PacketTemplates: Sendable {
    private struct State {
        /// With their samples, which must not be let go of while they name what lies here.
        var templates: [ObjectIdentifier: (sample: Sample, template: PacketTemplate)] = [:]
        var order: [ObjectIdentifier] = []
        /// Of samples and templates together.
        var bytes = 0
    }

    private static let most = 128
    private static let mostBytes = 8 << 20
    /// A larger sample is made anew for each reader.
    static let largest = 1 << 20

    private let state = Mutex(State())

    public init() {}

    /// The template of a sample of `track`, whose packets are of the usual size.
    func template(of sample: Sample, for track: RTPTrack) -> PacketTemplate {
        let key = ObjectIdentifier(sample)
        if let known = state.withLock({ $0.templates[key]?.template }) { return known }
        let made = track.template(of: sample)
        guard sample.count <= Self.largest else { return made }
        state.withLock { state in
            guard state.templates.updateValue((sample, made), forKey: key) == nil else { return }
            state.order.append(key)
            state.bytes += Self.size(sample, made)
            while state.order.count > Self.most || state.bytes > Self.mostBytes {
                guard let oldest = state.templates.removeValue(forKey: state.order.removeFirst()) else { continue }
                state.bytes -= Self.size(oldest.sample, oldest.template)
            }
        }
        return made
    }

    private static func size(_ sample: Sample, _ template: PacketTemplate) -> Int { sample.count + template.bytes.readableBytes }

    /// What they hold, in bytes.
    var bytes: Int { state.withLock { $0.bytes } }
}

/// Memory for a sample's packets, and what lies in it: readers that get the same sample one after the other have their own written over it.
public struct PacketScratch: Sendable {
    var bytes = ByteBuffer()
    /// Held, so that no other takes its place in memory and is taken for it.
    private var sample: Sample?
    private var template = PacketTemplate()

    public init() {}

    /// Lets the packets of a sample lie in it, as they are for all readers or for one of them; answers where they are.
    mutating func hold(_ sample: Sample, of track: RTPTrack, from templates: PacketTemplates) -> PacketTemplate {
        if self.sample !== sample {
            // What is seldom that large is not kept for readers to come.
            if bytes.storageCapacity > PacketTemplates.largest { bytes = ByteBuffer() }
            template = templates.template(of: sample, for: track)
            self.sample = sample
            bytes.clear(minimumCapacity: template.bytes.readableBytes)
            bytes.writeImmutableBuffer(template.bytes)
        }
        return template
    }
}

extension RTPTrack {
    /// The packets of one sample within an RTSP connection on `channel`, shown or heard at `time`.
    ///
    /// They are written into `scratch`, whose memory is used again where nobody holds it any more: fresh memory, or a copy, for each picture of
    /// each reader would cost more than all that differs from reader to reader.
    public mutating func interleaved(
        _ sample: Sample, at time: MediaTime, channel: UInt8, from templates: PacketTemplates, scratch: inout PacketScratch
    ) -> ByteBuffer {
        let template = scratch.hold(sample, of: self, from: templates)
        fill(template, timestamp(of: time), channel, in: &scratch.bytes)
        count(packets: template.places.count, payloadBytes: template.payloadBytes)
        return scratch.bytes
    }

    private mutating func fill(_ template: PacketTemplate, _ timestamp: UInt32, _ channel: UInt8, in bytes: inout ByteBuffer) {
        bytes.withUnsafeMutableReadableBytes { bytes in
            for place in template.places {
                let head = place.start + PacketTemplate.framing
                bytes[place.start + 1] = channel
                bytes[head + 1] = payloadType | (place.isMarked ? 0x80 : 0)
                bytes.storeBytes(of: sequence.bigEndian, toByteOffset: head + 2, as: UInt16.self)
                bytes.storeBytes(of: (timestamp &+ place.ticks).bigEndian, toByteOffset: head + 4, as: UInt32.self)
                bytes.storeBytes(of: source.bigEndian, toByteOffset: head + 8, as: UInt32.self)
                sequence &+= 1
            }
        }
    }

    /// The packets of one sample but for what differs from reader to reader.
    func template(of sample: Sample) -> PacketTemplate {
        var template = PacketTemplate()
        template.bytes.reserveCapacity(sample.count + sample.count / 16 + 256)
        payloads(of: sample) { ticks, isMarked, size, write in template.add(ticks, isMarked: isMarked, size: size, write) }
        return template
    }
}
