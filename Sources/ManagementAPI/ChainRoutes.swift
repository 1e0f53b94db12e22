import Access
import CloudStorage
import Core
import Foundation
import Hummingbird

/// The signed record of what the store has.
struct ChainRoutes {
    let services: BoxServices

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("storage/chain") { _, context in
            let seen = try await context.channels(.viewSite, services.access.control)
            let first = services.uploader.store?.identity
            var second: ChainAnswer.Second?
            if let place = services.uploader.secondStore?.identity {
                second = .init(checkpointAt: Nullable(services.chain.lastCheckpoint(in: place)), chains: try await chains(in: place, seen))
            }
            return try answer(
                ChainAnswer(
                    publicKey: services.chain.publicKey, checkpointAt: Nullable(first.flatMap(services.chain.lastCheckpoint)),
                    everySeconds: Int(services.chain.interval.seconds), chains: try await chains(in: first, seen), second: Nullable(second))
            )
        }
    }

    private func chains(in place: String?, _ seen: Set<ChannelID>?) async throws -> [ChainAnswer.Chain] {
        guard let place else { return [] }
        return try await services.spool.index.chains(place: place).filter { seen?.contains($0.channel) ?? true }.map {
            ChainAnswer.Chain(
                channelId: $0.channel, chain: $0.chain, links: $0.number, waiting: $0.number - $0.publishedNumber, head: $0.hash)
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

    /// The record in the second storage.
    struct Second: Encodable {
        let checkpointAt: Nullable<Date>
        let chains: [Chain]
    }

    let publicKey: String
    let checkpointAt: Nullable<Date>
    let everySeconds: Int
    let chains: [Chain]
    let second: Nullable<Second>
}
