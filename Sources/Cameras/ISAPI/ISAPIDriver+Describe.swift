import CameraProtocols
import Foundation
import XML

/// What a Hikvision device is.
extension ISAPIDriver {
    public func describe() async throws(DeviceFailure) -> DeviceDescription {
        let identity = try Self.identity(try await get("System/deviceInfo"))
        let abilities = try await find("System/capabilities")
        let rtspPort = try await rtspPort()
        var channels = try await inputs()
        let streams = try await streamDocuments(channels)
        for index in channels.indices {
            let number = channels[index].number
            channels[index].streams = Self.streams(streams, channel: number, port: rtspPort, address: client.address)
            if channels[index].streams.isEmpty { channels[index].streams = usualStreams(number, port: rtspPort) }
            channels[index].capabilities = try await abilitiesOf(channels[index], device: abilities)
        }
        let talks = try await talkChannels()
        for index in channels.indices where channels[index].online != false {
            guard talks.contains(where: { $0.id == channels[index].number }) || channels[index].input == .own && !talks.isEmpty else {
                continue
            }
            channels[index].capabilities.insert(.talk)
        }
        let doors = try await doorNumbers(identity, abilities)
        var description = DeviceDescription(
            driver: .isapi, driverReason: "It speaks Hikvision's ISAPI, through which everything can be set.", identity: identity,
            channels: channels, capabilities: try await capabilities(abilities), doors: doors)
        description.boundTo = try await binding()
        if !doors.isEmpty { description.capabilities.insert(.doors) }
        if !channels.isEmpty || !doors.isEmpty { description.capabilities.insert(.events) }
        return description
    }

    /// The cloud service that an account has bound the device to.
    private func binding() async throws(DeviceFailure) -> String? {
        guard let platform = try await find("System/Network/EZVIZ"), platform["bindStatus"]?.text.lowercased() == "bind" else { return nil }
        return platform.first("hostName")?.word ?? "another service"
    }

    static func identity(_ info: XMLTree) throws(DeviceFailure) -> DeviceIdentity {
        guard info.name == "DeviceInfo" else { throw .nonsense("System/deviceInfo: \(info.name)") }
        let type = info["deviceType"]?.text ?? ""
        let firmware = [info["firmwareVersion"]?.word, info["firmwareReleasedDate"]?.word].compactMap { $0 }.joined(separator: " ")
        return DeviceIdentity(
            kind: kind(of: type), make: make(info), model: info["model"]?.word, name: info["deviceName"]?.word,
            serialNumber: info["serialNumber"]?.word, firmware: firmware.isEmpty ? nil : firmware, macAddress: info["macAddress"]?.word)
    }

    /// Devices of other brands that Hikvision makes name themselves; all others are Hikvision's.
    private static func make(_ info: XMLTree) -> String {
        guard let name = info["manufacturer"]?.word, name.lowercased() != "hikvision", name.count <= 40 else { return "Hikvision" }
        return name
    }

    private static func kind(of type: String) -> DeviceIdentity.Kind {
        let type = type.lowercased()
        if type.contains("nvr") || type.contains("dvr") || type.contains("recorder") || type == "hybirdnvr" { return .recorder }
        if type.contains("acs") || type.contains("access") || type.contains("door") || type.contains("vis") { return .doorController }
        return .camera
    }

    /// Where RTSP is served, as the device says; the usual port where it does not.
    private func rtspPort() async throws(DeviceFailure) -> Int {
        // A port given by hand wins: the device does not know what stands between.
        if client.address.rtspPort != 554 { return client.address.rtspPort }
        let protocols = try await find("Security/adminAccesses")?.all("AdminAccessProtocol") ?? []
        let port = protocols.first { $0["protocol"]?.text == "RTSP" }?["portNo"]?.integer
        return port.flatMap { (1...65535).contains($0) ? $0 : nil } ?? client.address.rtspPort
    }

    /// The device's own inputs and the cameras behind it.
    private func inputs() async throws(DeviceFailure) -> [DeviceChannel] {
        let own = try await find("System/Video/inputs/channels")?.all("VideoInputChannel") ?? []
        let network = try await find("ContentMgmt/InputProxy/channels")?.all("InputProxyChannel") ?? []
        let states = network.isEmpty ? nil : try await find("ContentMgmt/InputProxy/channels/status")
        let isRecorder = !network.isEmpty || own.count > 4 || own.contains { $0["resDesc"] != nil }
        let inputs = own.compactMap { input -> DeviceChannel? in
            guard let number = input["id"]?.integer, (1...512).contains(number) else { return nil }
            // "NO VIDEO" is what a recorder says of an input to which nothing is connected.
            let online = isRecorder ? input["resDesc"]?.word.map { $0.uppercased() != "NO VIDEO" } : true
            return DeviceChannel(
                number: number, name: input["name"]?.word ?? "Camera \(number)", input: isRecorder ? .analog : .own, online: online)
        }
        let proxied = network.compactMap { input -> DeviceChannel? in
            guard let number = input["id"]?.integer, (1...512).contains(number) else { return nil }
            let source = input["sourceInputPortDescriptor"]
            let online = states?.all("InputProxyChannelStatus").first { $0["id"]?.integer == number }?["online"]?.flag
            return DeviceChannel(
                number: number, name: input["name"]?.word ?? "Camera \(number)", input: .network, online: online,
                address: source?["ipAddress"]?.word, model: source?["model"]?.word)
        }
        // A recorder counts network inputs after its analog ones; where both lists have a number, the camera is behind it.
        let taken = Set(proxied.map(\.number))
        return (inputs.filter { !taken.contains($0.number) } + proxied).sorted { $0.number < $1.number }
    }

    /// All streams in one document, or one by one where the device has no list.
    private func streamDocuments(_ channels: [DeviceChannel]) async throws(DeviceFailure) -> [XMLTree] {
        if let list = try await find("Streaming/channels"), list.name == "StreamingChannelList" { return list.all("StreamingChannel") }
        var found: [XMLTree] = []
        for channel in channels {
            for stream in 1...2 {
                if let document = try await find("Streaming/channels/\(channel.number * 100 + stream)") { found.append(document) }
            }
        }
        return found
    }

    static func streams(_ documents: [XMLTree], channel: Int, port: Int, address: DeviceAddress) -> [DeviceStream] {
        documents.compactMap { document -> DeviceStream? in
            guard let id = document["id"]?.integer, id / 100 == channel, document["enabled"]?.flag != false else { return nil }
            let role: DeviceStream.Role = id % 100 == 1 ? .main : id % 100 == 2 ? .sub : .third
            var address = address
            address.rtspPort = port
            return stream(document, role: role, url: "\(address.rtspBase)/Streaming/Channels/\(id)")
        }.sorted { $0.id < $1.id }
    }

    /// Some recorders tell nothing of a network camera's streams and serve them all the same.
    private func usualStreams(_ channel: Int, port: Int) -> [DeviceStream] {
        var address = client.address
        address.rtspPort = port
        return [(DeviceStream.Role.main, 1), (.sub, 2)].map { role, number in
            DeviceStream(role: role, id: "\(channel)0\(number)", url: "\(address.rtspBase)/Streaming/Channels/\(channel)0\(number)")
        }
    }

    /// A `StreamingChannel` as a stream.
    static func stream(_ document: XMLTree, role: DeviceStream.Role, url: String) -> DeviceStream {
        let video = document["Video"]
        var stream = DeviceStream(role: role, id: document["id"]?.text ?? "", url: url)
        stream.codec = video?["videoCodecType"]?.word.map(codec)
        stream.width = video?["videoResolutionWidth"]?.integer
        stream.height = video?["videoResolutionHeight"]?.integer
        // Hundredths of a frame a second; 0 is "as many as it can".
        stream.frameRate = video?["maxFrameRate"]?.number.flatMap { $0 > 0 ? $0 / 100 : nil }
        let varies = video?["videoQualityControlType"]?.text.uppercased() == "VBR"
        let kilobits = (varies ? video?["vbrUpperCap"] : video?["constantBitRate"])?.integer ?? video?["constantBitRate"]?.integer
        stream.bitRate = kilobits.flatMap { (1...1_000_000).contains($0) ? $0 * 1000 : nil }
        stream.keyFrameInterval = video?["GovLength"]?.integer
        stream.smartCodec = video?["SmartCodec", "enabled"]?.flag
        if document["Audio", "enabled"]?.flag == true { stream.audio = document["Audio", "audioCompressionType"]?.word }
        return stream
    }

    /// `H.264`, `H.265`, `MJPEG` as the box says them.
    static func codec(_ word: String) -> String {
        let plain = word.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "+" }
        return plain.hasPrefix("h264") ? "h264" : plain.hasPrefix("h265") ? "h265" : plain
    }

    // MARK: Abilities

    private func capabilities(_ abilities: XMLTree?) async throws(DeviceFailure) -> Set<Capability> {
        var found: Set<Capability> = [.time, .reboot, .rename, .passwordChange, .firmwareUpgrade]
        if abilities?.first("isSupportNtp")?.flag != false { found.insert(.networkTime) }
        let disks = try await find("ContentMgmt/Storage")
        if disks != nil { found.insert(.storageHealth) }
        if disks?.descendants("hdd").isEmpty == false {
            found.formUnion([.recordings, .recordingDownload, .diskHealth])
        } else if disks?.descendants("nas").contains(where: { $0["status"]?.text == "ok" }) == true {
            found.formUnion([.recordings, .recordingDownload])
        }
        return found
    }

    private func abilitiesOf(_ channel: DeviceChannel, device: XMLTree?) async throws(DeviceFailure) -> Set<Capability> {
        var found: Set<Capability> = [.snapshot, .events]
        if !channel.streams.isEmpty { found.insert(.streamSettings) }
        if channel.streams.contains(where: { $0.smartCodec != nil }) { found.insert(.smartCodec) }
        if channel.online == false { return found }
        let smart = device?.first("SmartCap")
        if smart?["isSupportLineDetection"]?.flag == true { found.insert(.lineCrossingSettings) }
        if smart?["isSupportFieldDetection"]?.flag == true { found.insert(.intrusionSettings) }
        if device?.first("isSupportMotionDetection")?.flag != false { found.formUnion([.motionSettings, .notificationSwitch]) }
        found.formUnion(try await lensAbilities(channel))
        return found
    }

    /// What the lens can do: the device is asked for each channel, because a recorder has both kinds.
    private func lensAbilities(_ channel: DeviceChannel) async throws(DeviceFailure) -> Set<Capability> {
        guard let document = try await find("PTZCtrl/channels/\(channel.number)/capabilities") else { return [] }
        let lens =
            document.name == "PTZChanelCap" || document.name == "PTZChannelCap" ? document : document.first("PTZChanelCap") ?? document
        var found: Set<Capability> = []
        if lens.first("ContinuousPanTiltSpace") != nil || lens.first("AbsolutePanTiltPositionSpace") != nil { found.insert(.pan) }
        if lens.first("ContinuousZoomSpace") != nil || lens.first("AbsoluteZoomPositionSpace") != nil { found.insert(.zoom) }
        if lens.first("isSupportFocus")?.flag == true || lens.first("ContinuousFocusSpace") != nil { found.insert(.focus) }
        if (lens.first("maxPresetNum")?.integer ?? 0) > 0 { found.insert(.presets) }
        if (lens.first("maxPatrolNum")?.integer ?? 0) > 0 { found.insert(.patrols) }
        let auxiliary = lens.descendants("AuxControl").map(\.text)
        let words = (auxiliary + [lens.first("AuxControlList")?.attribute("opt") ?? ""]).joined(separator: ",").uppercased()
        if words.contains("WIPER") || lens.first("isSupportWiper")?.flag == true { found.insert(.wiper) }
        if words.contains("LIGHT") || lens.first("isSupportLight")?.flag == true { found.insert(.light) }
        if !found.isEmpty { found.formUnion(try await auxiliaries(channel)) }
        return found
    }

    /// Wiper and light, where the device lists them apart.
    private func auxiliaries(_ channel: DeviceChannel) async throws(DeviceFailure) -> Set<Capability> {
        guard let list = try await find("PTZCtrl/channels/\(channel.number)/auxcontrols") else { return [] }
        let words = Set(list.descendants("type").map { $0.text.uppercased() })
        var found: Set<Capability> = []
        if words.contains("WIPER") { found.insert(.wiper) }
        if words.contains("LIGHT") { found.insert(.light) }
        return found
    }

    private func doorNumbers(_ identity: DeviceIdentity, _ abilities: XMLTree?) async throws(DeviceFailure) -> [Int] {
        let mayHave =
            identity.kind == .doorController || abilities?.first("isSupportAccessControlCap")?.flag == true
            || abilities?.first("AccessControlCap") != nil
        guard mayHave else { return [] }
        var count = abilities?.first("doorNum")?.integer
        if count == nil { count = try await find("AccessControl/capabilities")?.first("doorNum")?.integer }
        return Array(1...min(max(count ?? 1, 1), 64))
    }
}
