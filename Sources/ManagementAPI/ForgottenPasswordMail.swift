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
            let (subject, text) = Self.message(code, person)
            do {
                try await services.messenger.mail(to: email, subject: subject, text: text)
            } catch {
                services.logger.warning("a code for a new password was not sent", metadata: ["reason": "\(error.sentence)"])
            }
        }
    }

    private static func message(_ code: String, _ person: PersonRecord) -> (subject: String, text: String) {
        let minutes = Int(ForgottenPasswords.lasts.seconds / 60)
        switch person.language.flatMap({ Language(rawValue: $0) }) ?? .english {
        case .english:
            return (
                "A new password",
                """
                Somebody, you we hope, has forgotten the password of \(person.userName).

                The code for a new one is \(code). Enter it where you asked for it, within \(minutes) minutes.

                If it was not you, nothing has to be done: without this code nothing happens.
                """ + "\n"
            )
        case .italian:
            return (
                "Una nuova password",
                """
                Qualcuno, speriamo tu, ha dimenticato la password di \(person.userName).

                Il codice per impostarne una nuova è \(code). Inseriscilo dove l'hai chiesto, entro \(minutes) minuti.

                Se non sei stato tu, non devi fare nulla: senza questo codice non succede niente.
                """ + "\n"
            )
        }
    }
}
