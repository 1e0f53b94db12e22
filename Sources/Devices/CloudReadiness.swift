public import Cameras

/// What would make a camera better for the cloud copy, before anything is changed.
public struct CloudReadiness: Sendable, Equatable {
    public struct Proposal: Sendable, Equatable {
        public let stream: DeviceStream
        public let change: StreamChange
        /// What will change, and why; sentences.
        public let sentences: [String]
    }

    public let proposals: [Proposal]
    public var isReady: Bool { proposals.isEmpty }

    /// A good sub stream: 640x360 or 704x576 in H.264, 10 to 15 frames a second, a key frame each second or two; no smart codec anywhere.
    public init(_ channel: DeviceChannel, options: [String: StreamOptions]) {
        var proposals: [Proposal] = []
        if let main = channel.stream(.main), main.smartCodec == true {
            var change = StreamChange()
            change.smartCodec = false
            proposals.append(
                Proposal(
                    stream: main, change: change,
                    sentences: [
                        "The smart codec of the main stream is switched off: with it, clips begin early and motion is noticed late."
                    ]))
        }
        if let sub = channel.stream(.sub), let proposal = Self.propose(sub, options: options[sub.id] ?? StreamOptions()) {
            proposals.append(proposal)
        }
        self.proposals = proposals
    }

    private static func propose(_ sub: DeviceStream, options: StreamOptions) -> Proposal? {
        var change = StreamChange()
        var sentences: [String] = []
        if sub.smartCodec == true {
            change.smartCodec = false
            sentences.append("The smart codec of the sub stream is switched off.")
        }
        if sub.codec != nil, sub.codec != "h264", options.codecs.isEmpty || options.codecs.contains("h264") {
            change.codec = "h264"
            sentences.append("Its codec becomes H.264 instead of \(sub.codec?.uppercased() ?? ""), which every browser plays.")
        }
        if let size = size(sub, options) {
            change.width = size.width
            change.height = size.height
            sentences.append("Its size becomes \(size.width)x\(size.height) instead of \(sub.width ?? 0)x\(sub.height ?? 0).")
        }
        let rate = rate(sub, options)
        if let rate {
            change.frameRate = rate
            sentences.append("It sends \(Int(rate)) frames a second instead of \(Int(sub.frameRate ?? 0)).")
        }
        let frames = rate ?? sub.frameRate ?? 12
        // One second to two; the device's own limit where that is shorter.
        let wanted = min(Int((frames * 2).rounded()), options.longestKeyFrameInterval ?? .max)
        if let interval = sub.keyFrameInterval, Double(interval) > frames * 2 + 1 || Double(interval) < frames * 0.9 {
            change.keyFrameInterval = wanted
            sentences.append("A key frame comes every \(wanted) frames instead of every \(interval), that is each two seconds.")
        } else if rate != nil {
            change.keyFrameInterval = wanted
        }
        if !change.isEmpty, let bits = sub.bitRate, bits < 256_000 || bits > 768_000 {
            let bounded = min(max(512_000, options.lowestBitRate ?? 0), options.highestBitRate ?? .max)
            change.bitRate = bounded
            sentences.append("Its bit rate becomes \(bounded / 1000) kbit/s instead of \(bits / 1000).")
        }
        return change.isEmpty ? nil : Proposal(stream: sub, change: change, sentences: sentences)
    }

    private static func size(_ sub: DeviceStream, _ options: StreamOptions) -> StreamOptions.Size? {
        guard let width = sub.width, let height = sub.height else { return nil }
        if (width, height) == (640, 360) || (width, height) == (704, 576) || (width, height) == (640, 480) { return nil }
        let good = [StreamOptions.Size(width: 640, height: 360), .init(width: 704, height: 576), .init(width: 640, height: 480)]
        if options.sizes.isEmpty { return width * height > 704 * 576 ? good[0] : nil }
        return good.first(where: options.sizes.contains)
            ?? options.sizes.filter {
                $0.width <= 704 && $0 != .init(width: width, height: height) && $0.width * $0.height > width * height
            }
            .max { $0.width * $0.height < $1.width * $1.height }
    }

    private static func rate(_ sub: DeviceStream, _ options: StreamOptions) -> Double? {
        guard let rate = sub.frameRate, rate < 9.5 || rate > 15.5 else { return nil }
        guard !options.frameRates.isEmpty else { return 12 }
        return options.frameRates.last { (10...15).contains($0) }
    }
}
