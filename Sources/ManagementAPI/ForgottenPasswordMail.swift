import Access
import BoxDatabase
import Core
import Logging
import Messaging

/// Sends people the code with which they set a password anew that they have forgotten.
public struct ForgottenPasswordMail: Sendable {
    private let services: BoxServices

    public init(services: BoxServices) {
        self.services = services
    }

    /// Sends until cancelled.
    public func run() async {
        for await (code, person) in services.access.forgotten.news.listen() {
            guard let email = person.email else { continue }
            let minutes = Int(ForgottenPasswords.lasts.seconds / 60)
            let letter = services.texts.letter(
                .forgottenPassword, ["person": person.userName, "code": code, "minutes": "\(minutes)"],
                in: services.texts.language(person.language))
            do {
                try await services.messenger.mail(to: email, subject: letter.subject, text: letter.text)
            } catch {
                services.logger.warning("a code for a new password was not sent", metadata: ["reason": "\(error.sentence)"])
            }
        }
    }
}
