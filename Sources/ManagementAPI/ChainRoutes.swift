import CloudStorage
import Core
import Foundation
import Hummingbird

/// The signed record of what the store has.
struct ChainRoutes {
    let services: BoxServices

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("storage/chain") { _, _ in
            var chains: [ChainState] = []
            if let place = services.uploader.store?.identity { chains = try await services.spool.index.chains(place: place) }
            return try answer(
                ChainAnswer(
                    publicKey: services.chain.publicKey, checkpointAt: Nullable(services.chain.lastCheckpoint),
                    everySeconds: Int(services.chain.interval.seconds),
                    chains: chains.map {
                        ChainAnswer.Chain(
                            channelId: $0.channel, chain: $0.chain, links: $0.number, waiting: $0.number - $0.publishedNumber, head: $0.hash
                        )
                    }))
        }
    }
}

struct ChainAnswer: Encodable {
    struct Chain: Encodable {
        let channelId: ChannelID
        let chain: String
        let links: Int
        let waiting: Int
        let head: String
    }

    let publicKey: String
    let checkpointAt: Nullable<Date>
    let everySeconds: Int
    let chains: [Chain]
}
