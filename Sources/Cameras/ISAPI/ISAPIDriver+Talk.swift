import CameraProtocols
import Foundation
import XML

/// Talking through a device's loudspeaker: opened, then G.711 on a connection of its own, then closed.
extension ISAPIDriver {
    private static let channels = "System/TwoWayAudio/channels"

    /// A two-way audio channel that the box can talk through.
    struct TalkChannel {
        let id: Int
        let codec: TalkCodec
    }

    /// Those of a device; recorders number them as their cameras.
    func talkChannels() async throws(DeviceFailure) -> [TalkChannel] {
        guard let list = try await find(Self.channels) else { return [] }
        return list.all("TwoWayAudioChannel").compactMap { channel in
            guard let id = channel["id"]?.integer, (1...512).contains(id) else {
                return nil
            }
            return Self.codec(ofSound: channel["audioCompressionType"]?.text ?? "").map { TalkChannel(id: id, codec: $0) }
        }
    }

    private static func codec(ofSound word: String) -> TalkCodec? {
        switch word.lowercased().filter({ $0.isLetter || $0.isNumber }) {
        case "g711ulaw", "g711mu", "g711u": .pcmu
        case "g711alaw", "g711a": .pcma
        default: nil
        }
    }

    private func talkChannel(of channel: DeviceChannel) async throws(DeviceFailure) -> TalkChannel {
        let all = try await talkChannels()
        guard let found = all.first(where: { $0.id == channel.number }) ?? (channel.input == .own ? all.first : nil) else {
            throw .unsupported("being talked through")
        }
        return found
    }

    public func talkCodec(of channel: DeviceChannel) async throws(DeviceFailure) -> TalkCodec { try await talkChannel(of: channel).codec }

    public func talk(
        through channel: DeviceChannel, sound: AsyncStream<[UInt8]>, ready: @escaping @Sendable () -> Void
    ) async throws(DeviceFailure) {
        let path = "\(Self.channels)/\(try await talkChannel(of: channel).id)"
        // What an earlier talk left open would make it busy for good.
        _ = try? await put(path + "/close", nil)
        let session = try await put(path + "/open", nil)?.first("sessionId")?.word
        let query = session.flatMap { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) }.map { "?sessionId=\($0)" } ?? ""
        do throws(DeviceFailure) {
            try await client.pour("PUT", "/ISAPI/\(path)/audioData\(query)", bytes: sound, ready: ready)
        } catch {
            _ = try? await put(path + "/close", nil)
            throw error
        }
        _ = try? await put(path + "/close", nil)
    }
}
