public import CameraProtocols
public import Core
public import Foundation

/// Speaks to one device in its language.
///
/// What a device cannot do throws `DeviceFailure.unsupported`; `describe` says beforehand what it can.
/// Channels are given as they were described, so that a driver needs no memory of its own.
public protocol CameraDriver: Sendable {
    var kind: DriverKind { get }
    /// SHA-256 of the device's certificate, hexadecimal, once one was seen.
    var certificate: String? { get }

    /// Who the device is, its channels and streams, and what it can do.
    func describe() async throws(DeviceFailure) -> DeviceDescription
    /// A picture of now, as JPEG.
    func snapshot(of channel: DeviceChannel) async throws(DeviceFailure) -> [UInt8]

    /// The streams of a channel as they are set now.
    func streams(of channel: DeviceChannel) async throws(DeviceFailure) -> [DeviceStream]
    func options(of stream: DeviceStream) async throws(DeviceFailure) -> StreamOptions
    /// Changes a stream and answers how it is then, which may differ from what was asked.
    func change(_ stream: DeviceStream, by change: StreamChange) async throws(DeviceFailure) -> DeviceStream

    /// Receives events until the connection ends or the task is cancelled; `ready` is called when events can come.
    func listen(
        ready: @escaping @Sendable () async -> Void, take: @escaping @Sendable (DeviceNotification) async -> Void
    ) async throws(DeviceFailure)

    func motion(of channel: DeviceChannel) async throws(DeviceFailure) -> DeviceMotion
    func setMotion(_ motion: DeviceMotion, of channel: DeviceChannel) async throws(DeviceFailure)
    /// Line-crossing and intrusion rules.
    func rules(of channel: DeviceChannel) async throws(DeviceFailure) -> [DeviceRule]
    /// Switches on that the device tells clients of these events.
    func setNotification(_ on: Bool, for category: CameraEvent.Category, of channel: DeviceChannel) async throws(DeviceFailure)

    /// Moves until the next call or `stop`.
    func move(_ channel: DeviceChannel, _ movement: LensMovement) async throws(DeviceFailure)
    func stop(_ channel: DeviceChannel) async throws(DeviceFailure)
    func presets(of channel: DeviceChannel) async throws(DeviceFailure) -> [Preset]
    func call(_ preset: Preset, of channel: DeviceChannel) async throws(DeviceFailure)
    /// Keeps the present position; an id replaces that preset, nil makes a new one.
    func setPreset(id: String?, name: String, of channel: DeviceChannel) async throws(DeviceFailure) -> Preset
    func delete(_ preset: Preset, of channel: DeviceChannel) async throws(DeviceFailure)
    func patrols(of channel: DeviceChannel) async throws(DeviceFailure) -> [Preset]
    func startPatrol(_ patrol: Preset, of channel: DeviceChannel) async throws(DeviceFailure)
    func set(_ auxiliary: Auxiliary, on: Bool, of channel: DeviceChannel) async throws(DeviceFailure)

    func clock() async throws(DeviceFailure) -> DeviceClock
    /// Sets the box's time, a zone and a time server.
    func setClock(_ change: ClockChange) async throws(DeviceFailure)

    /// Footage on the device between two times, oldest first; at most `limit` pieces.
    func recordings(
        of channel: DeviceChannel, from: Date, to: Date, kinds: Set<DeviceRecording.Kind>, limit: Int
    ) async throws(DeviceFailure) -> [DeviceRecording]
    /// The days of a month, 1 to 31, of which the device has footage.
    func daysWithRecordings(of channel: DeviceChannel, year: Int, month: Int, zone: TimeZone) async throws(DeviceFailure) -> Set<Int>
    /// The address that plays a range, RTSP without credentials.
    func playbackURL(of channel: DeviceChannel, from: Date, to: Date) async throws(DeviceFailure) -> String
    /// How a part of a recording is played.
    func playback(
        of recording: DeviceRecording, in channel: DeviceChannel, from: Date, to: Date
    ) async throws(DeviceFailure) -> DevicePlayback
    /// Gives the bytes of a recording as the device has them.
    func download(
        _ recording: DeviceRecording, take: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws(DeviceFailure)

    func disks() async throws(DeviceFailure) -> [DeviceDisk]
    func reboot() async throws(DeviceFailure)
    func rename(_ name: String) async throws(DeviceFailure)
    /// Changes the password of the user that the box signs in as.
    func changePassword(to password: String) async throws(DeviceFailure)
    /// Sends firmware and waits until it is installed.
    func upgrade(
        file: String, bytes: Int, progress: @escaping @Sendable (UpgradeProgress) -> Void
    ) async throws(DeviceFailure)

    func command(_ command: DoorCommand, door: Int) async throws(DeviceFailure)

    /// The form in which the loudspeaker of a channel takes sound.
    func talkCodec(of channel: DeviceChannel) async throws(DeviceFailure) -> TalkCodec
    /// Speaks through the loudspeaker of a channel until `sound`, in that form, ends; `ready` is called when it is heard.
    func talk(through channel: DeviceChannel, sound: AsyncStream<[UInt8]>, ready: @escaping @Sendable () -> Void)
        async throws(DeviceFailure)

    /// Closes connections; the driver is not used afterwards.
    func close() async
}

/// What a driver does not do by itself.
extension CameraDriver {
    public var certificate: String? { nil }
    public func snapshot(of channel: DeviceChannel) async throws(DeviceFailure) -> [UInt8] { throw .unsupported("snapshots") }
    public func streams(of channel: DeviceChannel) async throws(DeviceFailure) -> [DeviceStream] {
        try await describe().channels.first { $0.number == channel.number }?.streams ?? []
    }
    public func options(of stream: DeviceStream) async throws(DeviceFailure) -> StreamOptions { throw .unsupported("stream settings") }
    public func change(_ stream: DeviceStream, by change: StreamChange) async throws(DeviceFailure) -> DeviceStream {
        throw .unsupported("stream settings")
    }
    public func listen(
        ready: @escaping @Sendable () async -> Void, take: @escaping @Sendable (DeviceNotification) async -> Void
    ) async throws(DeviceFailure) { throw .unsupported("events") }
    public func motion(of channel: DeviceChannel) async throws(DeviceFailure) -> DeviceMotion { throw .unsupported("motion settings") }
    public func setMotion(_ motion: DeviceMotion, of channel: DeviceChannel) async throws(DeviceFailure) {
        throw .unsupported("motion settings")
    }
    public func rules(of channel: DeviceChannel) async throws(DeviceFailure) -> [DeviceRule] { [] }
    public func setNotification(
        _ on: Bool, for category: CameraEvent.Category, of channel: DeviceChannel
    ) async throws(DeviceFailure) { throw .unsupported("switching notifications") }
    public func move(_ channel: DeviceChannel, _ movement: LensMovement) async throws(DeviceFailure) { throw .unsupported("moving") }
    public func stop(_ channel: DeviceChannel) async throws(DeviceFailure) { throw .unsupported("moving") }
    public func presets(of channel: DeviceChannel) async throws(DeviceFailure) -> [Preset] { throw .unsupported("presets") }
    public func call(_ preset: Preset, of channel: DeviceChannel) async throws(DeviceFailure) { throw .unsupported("presets") }
    public func setPreset(id: String?, name: String, of channel: DeviceChannel) async throws(DeviceFailure) -> Preset {
        throw .unsupported("presets")
    }
    public func delete(_ preset: Preset, of channel: DeviceChannel) async throws(DeviceFailure) { throw .unsupported("presets") }
    public func patrols(of channel: DeviceChannel) async throws(DeviceFailure) -> [Preset] { throw .unsupported("patrols") }
    public func startPatrol(_ patrol: Preset, of channel: DeviceChannel) async throws(DeviceFailure) { throw .unsupported("patrols") }
    public func set(_ auxiliary: Auxiliary, on: Bool, of channel: DeviceChannel) async throws(DeviceFailure) {
        throw .unsupported(auxiliary.rawValue)
    }
    public func clock() async throws(DeviceFailure) -> DeviceClock { throw .unsupported("telling the time") }
    public func setClock(_ change: ClockChange) async throws(DeviceFailure) { throw .unsupported("setting the time") }
    public func recordings(
        of channel: DeviceChannel, from: Date, to: Date, kinds: Set<DeviceRecording.Kind>, limit: Int
    ) async throws(DeviceFailure) -> [DeviceRecording] { throw .unsupported("searching recordings") }
    public func daysWithRecordings(
        of channel: DeviceChannel, year: Int, month: Int, zone: TimeZone
    ) async throws(DeviceFailure) -> Set<Int> { throw .unsupported("searching recordings") }
    public func playbackURL(of channel: DeviceChannel, from: Date, to: Date) async throws(DeviceFailure) -> String {
        throw .unsupported("playing recordings")
    }
    public func playback(
        of recording: DeviceRecording, in channel: DeviceChannel, from: Date, to: Date
    ) async throws(DeviceFailure) -> DevicePlayback {
        DevicePlayback(url: try await playbackURL(of: channel, from: from, to: to), way: .address)
    }
    public func download(
        _ recording: DeviceRecording, take: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws(DeviceFailure) { throw .unsupported("downloading recordings") }
    public func disks() async throws(DeviceFailure) -> [DeviceDisk] { throw .unsupported("telling of its storage") }
    public func reboot() async throws(DeviceFailure) { throw .unsupported("restarting on request") }
    public func rename(_ name: String) async throws(DeviceFailure) { throw .unsupported("being renamed") }
    public func changePassword(to password: String) async throws(DeviceFailure) { throw .unsupported("changing its password from here") }
    public func upgrade(
        file: String, bytes: Int, progress: @escaping @Sendable (UpgradeProgress) -> Void
    ) async throws(DeviceFailure) { throw .unsupported("firmware upgrades from here") }
    public func command(_ command: DoorCommand, door: Int) async throws(DeviceFailure) { throw .unsupported("doors") }
    public func talkCodec(of channel: DeviceChannel) async throws(DeviceFailure) -> TalkCodec { throw .unsupported("being talked through") }
    public func talk(
        through channel: DeviceChannel, sound: AsyncStream<[UInt8]>, ready: @escaping @Sendable () -> Void
    ) async throws(DeviceFailure) { throw .unsupported("being talked through") }
    public func close() async {}
}
