public import Core
public import Media
public import MediaWorker

/// Picks the cheapest way to the cloud copy that meets the definition, and says why.
public struct TranscodePlanner: Sendable {
    private let definitions: Definitions
    /// What was tried at start, best first.
    private let encoders: [EncoderProof]
    /// Processor seconds a second that transcoding may take: the measured budget of the machine.
    private let processorBudget: Double

    public init(definitions: Definitions, encoders: [EncoderProof], processorBudget: Double) {
        self.definitions = definitions
        self.encoders = encoders
        self.processorBudget = processorBudget
    }

    /// What is going on while a plan is made.
    public struct Load: Sendable, Equatable {
        public var linkedChannels: Int
        /// Clips that are recorded or wait for a worker, this one included.
        public var activeEvents: Int
        /// Processor seconds a second of footage that lately were needed for one megapixel of source.
        public var costPerMegapixel: Double

        public init(linkedChannels: Int, activeEvents: Int, costPerMegapixel: Double = Load.assumedCost) {
            self.linkedChannels = linkedChannels
            self.activeEvents = activeEvents
            self.costPerMegapixel = costPerMegapixel
        }

        /// Until this machine has been measured: the upper end of what 2 megapixels cost on the reference machine.
        public static let assumedCost = 0.12
    }

    /// The plan for a clip of a channel that sends `main` and perhaps `sub`.
    public func plan(_ definition: Definition, main: StreamStatus?, sub: StreamStatus?, load: Load) -> TranscodePlan? {
        guard let source = main ?? sub else { return nil }
        let target = fittedSize(width: source.video.width, height: source.video.height, into: (definition.width, definition.height))
        var reasons: [String] = []
        for (stream, way) in [(sub, TranscodePlan.Way.copySub), (main, .copyMain)] {
            guard let stream else { continue }
            let name = way == .copySub ? "The sub stream" : "The main stream"
            if let obstacle = obstacle(to: stream, definition: definition, target: target) {
                reasons.append("\(name) cannot be copied: \(obstacle).")
                continue
            }
            return TranscodePlan(
                way: way, reason: (reasons + ["\(name) is as the definition wants it, so it is copied."]).joined(separator: " "),
                width: stream.video.width, height: stream.video.height, frameRate: Int(stream.frameRate.rounded()),
                bitRate: stream.bitRate, encoder: nil)
        }
        return encodingPlan(definition, source: source, target: target, load: load, reasons: reasons)
    }

    private func encodingPlan(
        _ definition: Definition, source: StreamStatus, target: (width: Int, height: Int), load: Load, reasons: [String]
    ) -> TranscodePlan {
        let hardware = encoders.first { $0.isHardware && $0.proven }
        let (frameRate, rateReason) = frameRate(source: source, load: load)
        var reasons = reasons
        if let hardware {
            reasons.append("The hardware encoder \(hardware.encoder) proved itself at start.")
        } else {
            reasons.append("No hardware encoder proved itself, so libx264 encodes.")
        }
        reasons.append(rateReason)
        return TranscodePlan(
            way: hardware == nil ? .software : .hardware, reason: reasons.joined(separator: " "), width: target.width,
            height: target.height,
            frameRate: frameRate, bitRate: definition.bitRate, encoder: hardware?.encoder ?? "libx264")
    }

    /// Why a stream cannot be the cloud copy as it is; nil when it can.
    private func obstacle(to stream: StreamStatus, definition: Definition, target: (width: Int, height: Int)) -> String? {
        let video = stream.video
        guard video.codec == .h264 else { return "it is \(video.codec.rawValue), which not every browser plays" }
        guard video.width <= definition.width, video.height <= definition.height else {
            return "\(video.width)x\(video.height) is larger than \(definition.width)x\(definition.height)"
        }
        // A stream a little smaller than what would be made of the main stream serves; a much smaller one would lose what was promised.
        guard Double(video.width * video.height) >= 0.75 * Double(target.width * target.height) else {
            return "\(video.width)x\(video.height) is much smaller than the \(target.width)x\(target.height) of the definition"
        }
        guard stream.bitRate > 0, stream.frameRate > 0 else { return "its rate is not known yet" }
        // The stream's rate is with its sound, the definition's without.
        let sound = stream.audio == nil ? 0.0 : 64_000
        guard Double(stream.bitRate) <= 1.4 * Double(definition.bitRate) + sound else {
            return "it takes \(stream.bitRate / 1000) kbit/s, the definition \(definition.bitRate / 1000) kbit/s"
        }
        guard stream.frameRate >= 5.5, stream.frameRate <= 15.5 else {
            return "its \(Int(stream.frameRate.rounded())) frames a second are outside 6 to 15"
        }
        guard stream.keyFrameSeconds > 0, stream.keyFrameSeconds <= 4.2 else {
            return "its key frames are \(Int(stream.keyFrameSeconds.rounded())) s apart"
        }
        return nil
    }

    /// The ladder is a floor: all events that are going on may have the full rate while the machine carries them.
    private func frameRate(source: StreamStatus, load: Load) -> (Int, String) {
        let full = definitions.fullFrameRate
        let floor = definitions.ladderFrameRate(linkedChannels: load.linkedChannels)
        guard floor < full else { return (full, "\(full) frames a second, as for up to 5 linked channels.") }
        let megapixels = Double(source.video.width * source.video.height) / 1_000_000
        let need = Double(load.activeEvents) * load.costPerMegapixel * megapixels
        guard need > processorBudget else {
            return (full, "\(full) frames a second, for \(load.activeEvents) active events fit what this box carries.")
        }
        return (
            floor, "\(floor) frames a second, as \(load.linkedChannels) channels are linked and \(load.activeEvents) events are active."
        )
    }

    /// Whether one more channel of `megapixels` fits beside those that need `used`; the sentence has the numbers.
    public func admission(megapixels: Double, used: Double) -> (admitted: Bool, sentence: String) {
        let budget = definitions.budget
        func text(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
        guard megapixels <= budget.channelMegapixels else {
            return (
                false,
                "The camera sends \(text(megapixels)) megapixels; a channel may have at most 8. Choose a smaller picture in the camera."
            )
        }
        guard used + megapixels <= budget.megapixels * 1.05 else {
            return (
                false,
                "The box carries \(text(budget.megapixels)) megapixels in all; \(text(used)) are linked and this channel needs \(text(megapixels)). "
                    + "Unlink another channel or choose a smaller picture in the camera."
            )
        }
        return (true, "\(text(used + megapixels)) of \(text(budget.megapixels)) megapixels are linked.")
    }
}
