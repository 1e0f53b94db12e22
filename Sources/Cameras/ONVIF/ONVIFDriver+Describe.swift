import CameraProtocols
import Foundation
import XML

/// What an ONVIF device is, and what it can do.
extension ONVIFDriver {
    public func describe() async throws(DeviceFailure) -> DeviceDescription {
        let information = ONVIFDeviceInformation(try await call(.deviceInformation))
        let services = try await services()
        let set = try await profiles()
        let scopes = (try await find(.scopes)).map(ONVIFScopes.all) ?? []
        let keepsFootage = try await keepsFootage(services)
        let sources = try await sources(set, services)
        let isRecorder = Self.isRecorder(information, scopes: scopes, sources: sources.count, keepsFootage: keepsFootage)
        let name = Self.name(scopes)
        let nodes = services[.ptz] == nil ? [] : (try await find(.ptzNodes)).map(ONVIFNode.all) ?? []
        let outputs = try await audioOutputs(services)
        var channels: [DeviceChannel] = []
        var leftOut: [String] = []
        for source in sources {
            let found = try await streams(of: source, set, leftOut: &leftOut)
            guard !found.isEmpty else { continue }
            var channel = DeviceChannel(
                number: source.number, token: source.token,
                name: isRecorder || sources.count > 1 ? "Camera \(source.number)" : name ?? information.model ?? "Camera 1",
                input: isRecorder ? .network : .own, online: isRecorder ? nil : true, streams: found)
            channel.capabilities = try await capabilities(of: channel, source, set, services: services, nodes: nodes)
            if await hasLoudspeaker(channel, source, set, outputs: outputs, isRecorder: isRecorder) { channel.capabilities.insert(.talk) }
            channels.append(channel)
        }
        guard !channels.isEmpty else {
            throw DeviceFailure(
                .noVideo, "The device gives no stream address by ONVIF. Check its video profiles, or add the stream's RTSP URL.",
                detail: leftOut.first)
        }
        let identity = DeviceIdentity(
            kind: isRecorder ? .recorder : .camera, make: information.manufacturer, model: information.model, name: name,
            serialNumber: information.serialNumber, firmware: information.firmware, macAddress: try await macAddress())
        return DeviceDescription(
            driver: .onvif, driverReason: (["It speaks ONVIF."] + leftOut.prefix(4)).joined(separator: " "), identity: identity,
            channels: channels, capabilities: try await capabilities(services, keepsFootage: keepsFootage))
    }

    /// The address of the interface that was reached, else the first.
    private func macAddress() async throws(DeviceFailure) -> String? {
        let interfaces = (try await find(.networkInterfaces)).map(ONVIFNetworkInterface.all) ?? []
        let reached = interfaces.first { $0.ipv4Address == client.address.host && $0.macAddress != nil }
        return (reached ?? interfaces.first { $0.macAddress != nil })?.macAddress
    }

    private static func name(_ scopes: [String]) -> String? {
        let prefix = "onvif://www.onvif.org/name/"
        let name = scopes.first { $0.lowercased().hasPrefix(prefix) }?.dropFirst(prefix.count).trimmingCharacters(in: .whitespaces)
        return name.flatMap { $0.isEmpty ? nil : String($0.prefix(64)) }
    }

    /// ONVIF does not say it; cameras with several lenses are told from recorders by their number, and by their disks.
    private static func isRecorder(
        _ information: ONVIFDeviceInformation, scopes: [String], sources: Int, keepsFootage: Bool
    ) -> Bool {
        let words = ([information.model, information.hardware].compactMap { $0 } + scopes).joined(separator: " ").lowercased()
        if ["nvr", "dvr", "xvr", "recorder", "network_video_storage"].contains(where: words.contains), sources > 0 { return true }
        return sources > 4 || sources > 1 && keepsFootage
    }

    // MARK: Abilities

    /// Whether there are recordings on the device, and they can be found and played.
    private func keepsFootage(_ services: [ONVIFService: String]) async throws(DeviceFailure) -> Bool {
        guard services[.search] != nil, services[.replay] != nil else { return false }
        guard let summary = (try await find(.recordingSummary)).map(ONVIFRecordingSummary.init) else { return false }
        return summary.recordings != 0
    }

    private func capabilities(
        _ services: [ONVIFService: String], keepsFootage: Bool
    ) async throws(DeviceFailure) -> Set<Capability> {
        var found: Set<Capability> = [.time, .reboot, .passwordChange]
        if services[.events] != nil { found.insert(.events) }
        if try await find(.ntp) != nil { found.insert(.networkTime) }
        if keepsFootage { found.insert(.recordings) }
        return found
    }

    private func capabilities(
        of channel: DeviceChannel, _ source: Source, _ set: ProfileSet, services: [ONVIFService: String], nodes: [ONVIFNode]
    ) async throws(DeviceFailure) -> Set<Capability> {
        var found: Set<Capability> = []
        if try await picturePath(of: channel) != nil { found.insert(.snapshot) }
        if channel.streams.contains(where: { $0.encoder != nil }) { found.insert(.streamSettings) }
        if services[.events] != nil { found.insert(.events) }
        if source.profiles.contains(where: { set.withMetadata.contains($0.token) }) { found.insert(.metadataStream) }
        if services[.imaging] != nil, let token = source.token, try await canFocus(token) { found.insert(.focus) }
        // Recorders have a node for each moving camera; a profile says which is its own.
        guard let profile = source.profiles.first(where: { $0.ptzConfigurationToken != nil }) else { return found }
        let own = set.nodes[profile.token]
        guard let node = nodes.first(where: { $0.token == own }) ?? (own == nil ? nodes.first : nil) else { return found }
        memory.with { $0.lensProfiles[channel.number] = profile.token }
        return found.union(Self.capabilities(of: node))
    }

    static func capabilities(of node: ONVIFNode) -> Set<Capability> {
        var found: Set<Capability> = []
        if node.canPanAndTilt { found.insert(.pan) }
        if node.canZoom { found.insert(.zoom) }
        if node.presetLimit > 0 { found.insert(.presets) }
        if node.tourLimit > 0 { found.insert(.patrols) }
        if command(.wiper, on: true, in: node.auxiliaryCommands) != nil { found.insert(.wiper) }
        if command(.light, on: true, in: node.auxiliaryCommands) != nil { found.insert(.light) }
        return found
    }

    /// Whether the lens of a video source can be focused at a speed.
    private func canFocus(_ source: String) async throws(DeviceFailure) -> Bool {
        var request = ONVIFRequest.focusStop(source: source)
        request.action = ONVIFService.imaging.rawValue + "/GetMoveOptions"
        request.body = XMLTree("timg:GetMoveOptions", children: [XMLTree("timg:VideoSourceToken", text: source)])
        return try await find(request)?.first("Continuous") != nil
    }
}
