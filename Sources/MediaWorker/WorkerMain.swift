import Foundation
import Media

/// The life of a worker process: one job, or pictures until the box closes the pipe.
public enum WorkerMain {
    /// Serves the box over standard input and output; answers the process's exit code.
    public static func run() -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        MediaLibrary.prepare()
        let pipes = WorkerPipes()
        do {
            guard let first = try pipes.receive() else { return 0 }
            switch first.kind {
            case .transcode:
                Sandbox.lowerPriority(nice: 10)
                try transcode(first.decodeHead(), pipes: pipes)
            case .picture:
                Sandbox.lowerPriority(nice: 5)
                try Sandbox.enter(memoryBytes: 2 << 30, cpuSeconds: nil, devices: false)
                guard Sandbox.holds() else { throw WorkerFailure(.refused, "the sandbox does not hold") }
                try PictureMaker(pipes: pipes).run(first: first)
            case .cut:
                Sandbox.lowerPriority(nice: 15)
                let cut = try first.decodeHead(RecordingCut.self)
                try Sandbox.enter(memoryBytes: 1 << 30, cpuSeconds: 600, devices: false)
                guard Sandbox.holds() else { throw WorkerFailure(.refused, "the sandbox does not hold") }
                var cutter = RecordingCutter(cut, pipes: pipes)
                try cutter.run()
            case .convert:
                Sandbox.lowerPriority(nice: 5)
                let conversion = try first.decodeHead(LiveConversion.self)
                try Sandbox.enter(memoryBytes: 2 << 30, cpuSeconds: nil, devices: false)
                guard Sandbox.holds() else { throw WorkerFailure(.refused, "the sandbox does not hold") }
                // Its decoder reads the camera's parameter sets as soon as it is opened.
                if conversion.source.kind == .video {
                    var maker = try LiveConversionMaker(conversion, pipes: pipes)
                    try maker.run()
                } else {
                    var maker = try SoundConversionMaker(conversion, pipes: pipes)
                    try maker.run()
                }
            case .readCodes:
                Sandbox.lowerPriority(nice: 10)
                try readCodes(first.decodeHead(), in: first.body, pipes: pipes)
            case .proveEncoder:
                let trial = try first.decodeHead(EncoderTrial.self)
                pipes.send(.done, head: EncoderTrialRun.prove(trial.encoder))
            default: throw WorkerFailure(.garbage, "unexpected message")
            }
            return 0
        } catch {
            pipes.send(.failed, head: "\(error)")
            return 1
        }
    }

    private static func readCodes(_ request: CodeRequest, in picture: [UInt8], pipes: WorkerPipes) throws {
        let library = CodeLibrary()
        try Sandbox.enter(memoryBytes: 2 << 30, cpuSeconds: 30, devices: false)
        guard Sandbox.holds() else { throw WorkerFailure(.refused, "the sandbox does not hold") }
        guard let library, let reader = CodeReader(library) else { return pipes.send(.codesRead, head: CodeAnswer(isInstalled: false)) }
        let texts = try? reader.texts(in: picture, codec: Codec(rawValue: request.codec))
        pipes.send(.codesRead, head: CodeAnswer(texts: texts))
    }

    private static func transcode(_ job: TranscodeJob, pipes: WorkerPipes) throws {
        var (hardware, threads) = (false, false)
        if case .encode(let settings) = job.video { (hardware, threads) = (!settings.isSoftware, settings.needsThreads) }
        // A hardware encoder's device must be open before files are given up.
        var transcoder = try Transcoder(job: job, pipes: pipes, openEncoderNow: hardware)
        try Sandbox.enter(memoryBytes: job.memoryBytes, cpuSeconds: job.cpuSeconds, devices: hardware, threads: threads)
        guard Sandbox.holds() else { throw WorkerFailure(.refused, "the sandbox does not hold") }
        try transcoder.run()
    }
}
