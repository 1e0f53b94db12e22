import Access
import BoxDatabase
import Core
import Logging
import Messaging

/// Sends people by e-mail what they are told, where they gave an address.
public struct NoticeMail: Sendable {
    private let services: BoxServices

    public init(services: BoxServices) {
        self.services = services
    }

    /// Sends until cancelled.
    public func run() async {
        for await (notice, person) in services.access.notices.news.listen() {
            guard let email = person.email, services.messenger.hasMail else { continue }
            let sentence = services.texts.sentence(of: notice, in: services.texts.language(person.language))
            do {
                try await services.messenger.mail(to: email, subject: sentence, text: sentence + "\n")
            } catch {
                services.logger.warning("a notice was not sent", metadata: ["kind": "\(notice.kind)", "reason": "\(error.sentence)"])
            }
        }
    }
}
