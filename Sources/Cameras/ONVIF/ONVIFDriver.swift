import CameraProtocols
import Core
import Foundation

public struct ONVIFDriver: CameraDriver {
    public let kind = DriverKind.onvif
    let client: DeviceClient
    let profile: CameraProfile

    public init(client: DeviceClient, profile: CameraProfile) {
        self.client = client
        self.profile = profile
    }

    public var certificate: String? { client.certificate }
    public func close() async { await client.close() }
    static func greets(_ client: DeviceClient) async throws(DeviceFailure) -> Bool { false }
    public func describe() async throws(DeviceFailure) -> DeviceDescription { throw .unsupported("ONVIF") }
}
