import XML

/// Requests to the media services: version 1 knows no H.265, version 2 does; many devices have both.
extension ONVIFRequest {
    /// A media service.
    public enum MediaVersion: Sendable, CaseIterable {
        case one
        case two

        var service: ONVIFService { self == .one ? .media : .media2 }
        var prefix: String { service.prefix }
    }

    /// How a stream comes: RTP in the RTSP connection, or in datagrams.
    public enum StreamTransport: String, Sendable {
        case rtsp = "RTSP"
        case udp = "UDP"
    }

    public static func profiles(_ version: MediaVersion = .one) -> ONVIFRequest {
        // Without a type, version 2 leaves the configurations out.
        ONVIFRequest(version.service, "GetProfiles", version == .two ? [element("tr2:Type", "All")] : [])
    }

    public static let videoSources = ONVIFRequest(.media, "GetVideoSources")

    /// The loudspeakers of a device: its outputs by version 1, their configurations by version 2, which has no list of outputs.
    public static func audioOutputs(_ version: MediaVersion = .one) -> ONVIFRequest {
        ONVIFRequest(version.service, version == .one ? "GetAudioOutputs" : "GetAudioOutputConfigurations")
    }

    public static func videoEncoderConfigurationOptions(configuration: String?, profile: String?, _ version: MediaVersion = .one)
        -> ONVIFRequest
    {
        ONVIFRequest(
            version.service, "GetVideoEncoderConfigurationOptions",
            [element("\(version.prefix):ConfigurationToken", configuration), element("\(version.prefix):ProfileToken", profile)])
    }

    public static func setVideoEncoderConfiguration(_ configuration: ONVIFEncoderConfiguration, _ version: MediaVersion = .one)
        -> ONVIFRequest
    {
        var element = configuration.changedElement(version).prefixed("tt")
        element.name = "\(version.prefix):Configuration"
        return ONVIFRequest(
            version.service, "SetVideoEncoderConfiguration", [element, version == .one ? Self.element("trt:ForcePersistence", true) : nil])
    }

    public static func streamURI(profile: String, transport: StreamTransport = .rtsp, _ version: MediaVersion = .one) -> ONVIFRequest {
        switch version {
        case .one:
            ONVIFRequest(.media, "GetStreamUri", [streamSetup("trt", transport), element("trt:ProfileToken", profile)])
        case .two:
            ONVIFRequest(
                .media2, "GetStreamUri",
                [element("tr2:Protocol", transport == .rtsp ? "RTSP" : "RtspUnicast"), element("tr2:ProfileToken", profile)])
        }
    }

    public static func snapshotURI(profile: String, _ version: MediaVersion = .one) -> ONVIFRequest {
        ONVIFRequest(version.service, "GetSnapshotUri", [element("\(version.prefix):ProfileToken", profile)])
    }

    static func streamSetup(_ prefix: String, _ transport: StreamTransport) -> XMLTree {
        element(
            "\(prefix):StreamSetup",
            [element("tt:Stream", "RTP-Unicast"), element("tt:Transport", [element("tt:Protocol", transport.rawValue)])])
    }
}
