import Cameras
import Foundation
import Testing

@Suite struct RTSPAddressTests {
    @Test func credentialsAreTakenOut() throws {
        let address = try #require(RTSPAddress("rtsp://admin:p%40ss@192.168.1.64:8554/Streaming/Channels/101?x=1"))
        #expect(address.url == "rtsp://192.168.1.64:8554/Streaming/Channels/101?x=1")
        #expect(address.userName == "admin" && address.password == "p@ss")
        #expect(address.host == "192.168.1.64" && address.port == 8554)
        #expect(RTSPAddress("rtsp://camera.local/main")?.port == 554)
    }

    @Test(arguments: [
        "", "http://a/b", "rtsp://", "rtsp:///x", "file:///etc/passwd", "rtsp://a b/c", "rtsp://a/\nb", "rtsp://host:99999/x",
        "rtsp://host:0/x",
        "concat:rtsp://a", "rtsp://a/x#f",
    ])
    func whatIsNoRTSPURLIsRefused(text: String) {
        #expect(RTSPAddress(text) == nil)
    }
}
