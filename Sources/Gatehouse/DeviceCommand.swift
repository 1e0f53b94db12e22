import ArgumentParser
import CameraProtocols
import Cameras
import Core
import Foundation
import Media
import Outbound
import UnixSignals

/// Speaks to one device.
struct DeviceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device", abstract: "Speaks to one device: what it is, its events, lens, clock and recordings.",
        subcommands: [
            DeviceProbeCommand.self, DeviceEventsCommand.self, DeviceLensCommand.self, DeviceTimeCommand.self, DeviceRecordingsCommand.self,
        ])
}

/// How a device is reached, for every command about one.
struct DeviceArguments: ParsableArguments {
    @Argument(help: "The device's address, with its HTTP port where that is not 80: 192.168.1.64 or 192.168.1.64:8080.")
    var address: String

    @Option(help: "The user.")
    var user = "admin"

    @Option(help: "The password; better in the environment as GATEHOUSE_DEVICE_PASSWORD, where no list of processes shows it.")
    var password: String?

    @Option(help: "isapi, onvif or rtsp; found out where not given.")
    var driver: String?

    @Flag(help: "Use HTTPS. The certificate is taken as it is.")
    var https = false

    @Option(help: "The RTSP port, where it is not what the device says.")
    var rtspPort = 554

    @Option(help: "The channel's number.")
    var channel = 1

    @Option(help: "A folder of camera profiles besides the box's.")
    var profiles: String?

    /// The driver with what it says of its device.
    func connect() async throws -> (any CameraDriver, DeviceDescription) {
        MediaLibrary.prepare()
        let kind: DriverKind? = try driver.map { name in
            guard let kind = DriverKind(rawValue: name) else { throw ValidationError("The driver must be isapi, onvif or rtsp.") }
            return kind
        }
        let entry = try entryPoint()
        let profiles = try CameraProfiles(folders: [profiles, try ProfileFolder.find(nil) + "/cameras"].compactMap { $0 })
        let prober = DeviceProber(policy: AddressPolicy(allowsLocal: true), profiles: profiles, time: .system)
        let greeting = await prober.greet(entry)
        if greeting.activated == false { throw DeviceTrouble(DeviceFailure(.notActivated, "The device is new and has no password yet.")) }
        var last = greeting.failure
        for (candidate, reason) in prober.candidates(greeting, entry: entry, wanted: kind) {
            let driver = prober.driver(candidate, entry, profile: .unknown)
            do throws(DeviceFailure) {
                var description = try await driver.describe()
                description.driverReason = reason
                await driver.close()
                return (prober.driver(candidate, entry, profile: profiles.profile(of: description.identity)), description)
            } catch {
                await driver.close()
                last = error
                if error.needsPerson { break }
            }
        }
        // Where nothing answers by HTTP, that its streams do not come either says nothing new.
        if let silent = greeting.failure, [.refused, .unreachable, .silent].contains(silent.code), kind == nil {
            throw DeviceTrouble(
                DeviceFailure(
                    silent.code,
                    "Nothing answers at \(entry.address.host), neither on HTTP port \(entry.address.port) nor on RTSP port "
                        + "\(rtspPort). Give the port behind the address, as `gatehouse discover` shows it.", detail: silent.detail))
        }
        throw DeviceTrouble(last ?? DeviceFailure(.unsupported, "The device speaks no language that the box knows."))
    }

    private func entryPoint() throws -> DeviceEntryPoint {
        guard let parts = URLComponents(string: "http://\(address)"), let host = parts.host, !host.isEmpty, parts.path.isEmpty else {
            throw ValidationError("\(address) is not an address such as 192.168.1.64.")
        }
        let secret = password ?? ProcessInfo.processInfo.environment["GATEHOUSE_DEVICE_PASSWORD"]
        return DeviceEntryPoint(
            address: DeviceAddress(
                host: host.trimmingCharacters(in: ["[", "]"]), port: parts.port ?? (https ? 443 : 80), https: https, rtspPort: rtspPort),
            credentials: secret.map { DeviceCredentials(userName: user, password: $0) })
    }

    func channel(of description: DeviceDescription) throws -> DeviceChannel {
        guard let found = description.channels.first(where: { $0.number == channel }) else {
            throw ValidationError("The device has no channel \(channel).")
        }
        return found
    }
}

/// What a device did not do, for the person at the terminal; ends the command with 1.
struct DeviceTrouble: Error, CustomStringConvertible {
    let description: String

    init(_ failure: DeviceFailure) {
        description = failure.sentence + (failure.detail.map { " (\($0))" } ?? "")
    }
}

extension DeviceArguments {
    /// Runs `body` with the device's driver, which is closed whatever happens; a device's refusal is said in its sentence.
    func speak(_ body: (any CameraDriver, DeviceDescription) async throws -> Void) async throws {
        let (driver, description) = try await connect()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(driver, description))
        } catch let failure as DeviceFailure {
            result = .failure(DeviceTrouble(failure))
        } catch {
            result = .failure(error)
        }
        await driver.close()
        try result.get()
    }
}

struct DeviceProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe", abstract: "Shows what a device is, its channels and streams, and what it can do.")
    @OptionGroup var device: DeviceArguments

    func run() async throws {
        try await device.speak { _, description in Self.show(description) }
    }

    private static func show(_ description: DeviceDescription) {
        let identity = description.identity
        print("\([identity.make, identity.model].compactMap { $0 }.joined(separator: " ")) (\(identity.kind.rawValue))")
        for (name, value) in [
            ("name", identity.name), ("serial number", identity.serialNumber), ("firmware", identity.firmware),
            ("MAC", identity.macAddress),
        ] {
            if let value { print("  \(name): \(value)") }
        }
        print("  driver: \(description.driver.rawValue). \(description.driverReason)")
        print("  can: \(description.capabilities.map(\.rawValue).sorted().joined(separator: ", "))")
        if !description.doors.isEmpty { print("  doors: \(description.doors.map(String.init).joined(separator: ", "))") }
        for channel in description.channels {
            print("channel \(channel.number): \(channel.name)\(channel.online == false ? " (no picture)" : "")")
            if !channel.capabilities.isEmpty { print("  can: \(channel.capabilities.map(\.rawValue).sorted().joined(separator: ", "))") }
            for stream in channel.streams { print("  \(stream.role.rawValue): \(text(stream))") }
        }
    }

    private static func text(_ stream: DeviceStream) -> String {
        var parts = [stream.codec?.uppercased()]
        if let width = stream.width, let height = stream.height { parts.append("\(width)x\(height)") }
        parts.append(stream.frameRate.map { "\($0.formatted()) frames/s" })
        parts.append(stream.bitRate.map { "\($0 / 1000) kbit/s" })
        parts.append(stream.keyFrameInterval.map { "key frame each \($0) frames" })
        if stream.smartCodec == true { parts.append("smart codec on") }
        return parts.compactMap { $0 }.joined(separator: ", ") + "  \(stream.url)"
    }
}

struct DeviceEventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Prints what the device says of its events, repetitions too, until interrupted.")
    @OptionGroup var device: DeviceArguments

    @Option(help: "End after so many seconds.")
    var seconds: Int?

    func run() async throws {
        let seconds = seconds
        try await device.speak { driver, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await driver.listen {
                        FileHandle.standardError.write(Data("Listening.\n".utf8))
                    } take: { notification in
                        guard !notification.isHeartbeat else { return }
                        let place =
                            switch notification.place {
                            case .device: "device"
                            case .channel(let number): "channel \(number)"
                            case .token(let token): token
                            }
                        let parts = [
                            GatehouseJSON.text(Date()), notification.category.rawValue, notification.phase.rawValue, place,
                            notification.region.map { "region \($0)" } ?? "", notification.target?.rawValue ?? "",
                            "(\(notification.deviceType))",
                        ]
                        FileHandle.standardOutput.write(Data((parts.filter { !$0.isEmpty }.joined(separator: " ") + "\n").utf8))
                    }
                }
                // How long is the user's wish, so it is by the clock.
                if let seconds { group.addTask { try await TimeSource.system.sleep(.seconds(seconds)) } }
                try await group.next()
                group.cancelAll()
            }
        }
    }
}

struct DeviceLensCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ptz", abstract: "Moves the lens for a moment, calls a preset, or lists presets where nothing is asked.")
    @OptionGroup var device: DeviceArguments

    @Option(help: "Speed to the right, -1 to 1.")
    var pan = 0.0
    @Option(help: "Speed upwards, -1 to 1.")
    var tilt = 0.0
    @Option(help: "Speed inwards, -1 to 1.")
    var zoom = 0.0
    @Option(help: "How long it moves, in seconds, 0.1 to 10.")
    var seconds = 0.5
    @Option(help: "The preset to call, by its id.")
    var preset: String?

    func validate() throws {
        guard [pan, tilt, zoom].allSatisfy({ (-1...1).contains($0) }), (0.1...10).contains(seconds) else {
            throw ValidationError("Speeds are -1 to 1 and the seconds 0.1 to 10.")
        }
    }

    func run() async throws {
        try await device.speak { driver, description in
            let channel = try device.channel(of: description)
            let movement = LensMovement(pan: pan, tilt: tilt, zoom: zoom)
            guard channel.capabilities.contains(.pan) || channel.capabilities.contains(.zoom) || channel.capabilities.contains(.presets)
            else {
                throw DeviceTrouble(DeviceFailure(.unsupported, "Channel \(channel.number) has no lens that moves."))
            }
            if let preset {
                let presets = try await driver.presets(of: channel)
                guard let wanted = presets.first(where: { $0.id == preset }) else {
                    let known = presets.map { "\($0.id) \($0.name)" }.joined(separator: ", ")
                    throw DeviceTrouble(
                        DeviceFailure(
                            .unsupported, "There is no preset \(preset). " + (known.isEmpty ? "None is set." : "There are: \(known).")))
                }
                try await driver.call(wanted, of: channel)
                print("The lens goes to preset \(wanted.id), \(wanted.name).")
            } else if movement != .none {
                try await Self.move(channel, movement, driver: driver, seconds: seconds)
                print("The lens moved for \(seconds.formatted()) s.")
            } else {
                for preset in try await driver.presets(of: channel) { print("\(preset.id)  \(preset.name)") }
            }
        }
    }
}

extension DeviceLensCommand {
    /// Moves for as long as was asked, by the clock, or until the user interrupts; the lens is stopped in either case, and where the answer to
    /// the movement was lost.
    private static func move(_ channel: DeviceChannel, _ movement: LensMovement, driver: any CameraDriver, seconds: Double) async throws {
        let result: Result<Void, DeviceFailure>
        do throws(DeviceFailure) {
            try await driver.move(channel, movement)
            result = .success(())
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await TimeSource.system.sleep(.seconds(seconds)) }
                group.addTask { for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { return } }
                await group.next()
                group.cancelAll()
            }
        } catch {
            result = .failure(error)
        }
        try await driver.stop(channel)
        try result.get()
    }
}

struct DeviceTimeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "time", abstract: "Shows the device's clock, or sets it to this machine's with --set.")
    @OptionGroup var device: DeviceArguments

    @Flag(help: "Set the clock.")
    var set = false
    @Option(help: "With --set: the time zone, such as Europe/Berlin.")
    var zone: String?
    @Option(help: "With --set: a time server to follow.")
    var server: String?

    func validate() throws {
        if let zone, TimeZone(identifier: zone) == nil { throw ValidationError("\(zone) is not a time zone such as Europe/Berlin.") }
        if !set, zone != nil || server != nil { throw ValidationError("--zone and --server go with --set.") }
    }

    func run() async throws {
        try await device.speak { driver, _ in
            if set {
                try await driver.setClock(
                    ClockChange(zone: zone.flatMap { TimeZone(identifier: $0) }, networkTimeServer: server))
                print("The clock is set.")
            }
            let clock = try await driver.clock()
            print("time: \(GatehouseJSON.text(clock.time)) (UTC)\noffset: \(clock.offset.formatted()) s from this machine's")
            if let zone = clock.zone { print("zone: \(Self.words(zone))") }
            if let server = clock.networkTimeServer { print("follows: \(server)") }
            if let remark = clock.remark { print(remark) }
        }
    }
}

extension DeviceTimeCommand {
    /// POSIX has the sign the other way round than people do, and names that mean nothing.
    private static func words(_ zone: String) -> String {
        guard let parsed = POSIXTimeZone(zone) else { return zone }
        let minutes = abs(parsed.offsetSeconds) / 60
        let hours = minutes % 60 == 0 ? "\(minutes / 60)" : "\(minutes / 60):\(minutes % 60)"
        return "UTC\(parsed.offsetSeconds < 0 ? "-" : "+")\(hours)\(parsed.daylightSaving == nil ? "" : ", with summer time") (\(zone))"
    }
}

struct DeviceRecordingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recordings", abstract: "Lists footage on the device's own disk or card, of the last day where no range is given.")
    @OptionGroup var device: DeviceArguments

    @Option(help: "From when, such as 2026-11-21T08:00:00Z.")
    var from: String?
    @Option(help: "Until when.")
    var to: String?
    @Option(help: "Download the first piece into this file.")
    var save: String?

    func validate() throws {
        for text in [from, to].compactMap({ $0 }) { _ = try Self.date(text) }
    }

    func run() async throws {
        let end = try to.map(Self.date) ?? Date()
        let begin = try from.map(Self.date) ?? end.addingTimeInterval(-86_400)
        try await device.speak { driver, description in
            let channel = try device.channel(of: description)
            let found = try await driver.recordings(of: channel, from: begin, to: end, kinds: [], limit: 1000)
            print(found.isEmpty ? "No footage in this time." : "\(found.count) pieces; times are UTC, sizes as the device tells them.")
            for piece in found {
                let size = piece.bytes.map { "  \($0) bytes" } ?? ""
                print("\(GatehouseJSON.text(piece.from))  \(GatehouseJSON.text(piece.to))  \(piece.kind.rawValue)\(size)")
            }
            guard let save, let first = found.first else { return }
            guard FileManager.default.createFile(atPath: save, contents: nil) else { throw ValidationError("\(save) cannot be written.") }
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: save))
            try await driver.download(first) { try file.write(contentsOf: Data($0)) }
            let bytes = try file.offset()
            try file.close()
            print("Saved the piece of \(GatehouseJSON.text(first.from)) as \(save), \(bytes) bytes.")
        }
    }

    private static func date(_ text: String) throws -> Date {
        guard let date = GatehouseJSON.date(text) else { throw ValidationError("\(text) is not a time such as 2026-11-21T08:00:00Z.") }
        return date
    }
}
