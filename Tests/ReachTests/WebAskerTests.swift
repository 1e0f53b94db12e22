import NIOCore
import NIOPosix
import Outbound
@testable import Reach
import Synchronization
import Testing

@Suite struct WebAskerTests {
    /// Notes what is said to it, and answers as an HTTP server would.
    private final class Listener: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        let heard: Mutex<String>

        init() { heard = Mutex("") }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let said = String(buffer: unwrapInboundIn(data))
            heard.withLock { $0 += said }
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood"
            context.writeAndFlush(NIOAny(ByteBuffer(string: answer)), promise: nil)
        }
    }

    /// A name is looked up again whenever it is connected to: it may lead elsewhere by then.
    @Test(arguments: [true, false])
    func whoeverIsWhereNoServerMayBeHearsNothing(allowsLocal: Bool) async throws {
        let listener = Listener()
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { $0.pipeline.addHandler(listener) }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = server.localAddress?.port ?? 0
        let asker = WebAsker.http(AddressPolicy(allowsLocal: allowsLocal, target: .server))
        let answer = try? await asker.ask(WebQuestion(url: "http://127.0.0.1:\(port)/secrets"))
        #expect(answer?.text == (allowsLocal ? "good" : nil))
        #expect(listener.heard.withLock { $0.contains("/secrets") } == allowsLocal)
        #expect(listener.heard.withLock { $0.isEmpty } == !allowsLocal)
        try await server.close()
    }
}
