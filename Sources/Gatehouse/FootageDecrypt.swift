import ArgumentParser
import CloudStorage
import Core
import Foundation
import Media

/// Opens an encrypted clip with the owner's recovery file and the verification code.
struct FootageDecrypt: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decrypt", abstract: "Decrypts a clip of a bucket with the owner's recovery file and the verification code.",
        discussion: """
            Needs no box and no network: the clip, the JSON beside it, the recovery file, and the code that was in force when the file was \
            downloaded. Pictures and sound are copied as they are.
            """)

    @Argument(help: "The clip as it lies in the bucket, such as 0193….mp4.")
    var clip: String

    @Option(help: "The JSON beside the clip; otherwise looked for under the clip's name with .json.")
    var sidecar: String?

    @Option(help: "The recovery file.")
    var recovery: String

    @OptionGroup var code: VerificationCodeOption

    @Option(help: "The file to write; it must not exist.")
    var output: String

    @Option(help: "A file for the picture beside the clip (the clip's name with .jpg.enc), decrypted too; it must not exist.")
    var picture: String?

    func run() throws {
        do {
            try decrypt()
        } catch let error as FootageKeyError {
            throw failed(error.sentence)
        } catch let error as MediaError {
            throw failed("The clip cannot be read: \(error)")
        } catch let error as ValidationError {
            throw failed(error.message)
        }
    }

    private func decrypt() throws {
        MediaLibrary.prepare()
        let manifest = try readManifest()
        guard let encryption = manifest.encryption else { throw failed("The clip is not encrypted, by its JSON. Copy it as it is.") }
        guard let file = manifest.clip, file.isAt(clip) else {
            throw failed("\(clip) is not the clip that its JSON describes, or not whole. Fetch both again.")
        }
        let recovered = try RecoveryFile.read(try read(recovery))
        guard recovered.siteKey == encryption.siteKey else { throw FootageKeyError.otherSiteKey(encryption.siteKey) }
        let key = try recovered.key.open(try code.read()).open(encryption, of: manifest.id)
        let opened = try picture == nil ? nil : key.openPicture(try read(String(clip.dropLast(4)) + ".jpg.enc"), of: manifest.id)
        let written = try NewFile.make(output, permissions: 0o600) { file in
            let count = try DecryptedCopy(key: key).write(clip, to: file)
            // Before the clip has its name, so that a picture that cannot be written leaves no clip in the way.
            if let picture, let opened { try NewFile.make(picture, permissions: 0o600) { try $0.write(contentsOf: opened) } }
            return count
        }
        print("\(output): \(written) pictures and sounds of \(manifest.channelName), \(GatehouseJSON.text(manifest.startsAt))")
    }

    private func readManifest() throws -> ClipManifest {
        let path = sidecar ?? (clip.hasSuffix(".mp4") ? String(clip.dropLast(4)) : clip) + ".json"
        guard let manifest = try? GatehouseJSON.decoder.decode(ClipManifest.self, from: try read(path)) else {
            throw failed("\(path) is not the JSON of a clip. Give the one beside the clip with --sidecar.")
        }
        return manifest
    }

    private func read(_ path: String) throws -> Data {
        try RecoveryInput.read(path)
    }

    private func failed(_ sentence: String) -> ExitCode {
        NewFile.note(sentence)
        return ExitCode(1)
    }
}

/// Copies a clip's packets, decrypted, into another file.
private struct DecryptedCopy {
    let key: ClipKey

    /// How many packets were written.
    func write(_ source: String, to output: FileHandle) throws -> Int {
        guard let input = FileHandle(forReadingAtPath: source) else { throw MediaError("open \(source)", kind: .notFound) }
        defer { try? input.close() }
        let reading = input.fileDescriptor
        var demuxer = try Demuxer(container: "mov", decryptionKey: key.secret) { buffer in
            Foundation.read(reading, buffer.baseAddress, buffer.count)
        }
        let formats = demuxer.formats
        let tracks = formats.compactMap(\.self)
        guard !tracks.isEmpty, tracks.count == formats.count else { throw MediaError("tracks of \(source)", kind: .unsupported) }
        let container: FragmentedMP4Muxer.Container = tracks.contains { $0.codec.isG711 } ? .mov : .mp4
        var muxer = try FragmentedMP4Muxer(formats: tracks, container: container)
        var count = 0
        while let item = try demuxer.read() {
            let decodeTime = item.decodeTime ?? item.time ?? .zero
            if tracks[item.track].kind == .video, item.packet.isKeyFrame, count > 0 {
                try muxer.cut()
                try output.write(contentsOf: Data(muxer.takeBytes()))
            }
            try muxer.write(
                item.packet, track: item.track, time: item.time ?? decodeTime, decodeTime: decodeTime, duration: item.duration)
            count += 1
        }
        try muxer.cut()
        try output.write(contentsOf: Data(muxer.takeBytes()))
        return count
    }
}
