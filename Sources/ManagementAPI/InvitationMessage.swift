import Access
import Foundation
import Messaging

/// What somebody is written who is invited to the company: by whom, and the link.
struct InvitationMessage {
    private let recipient: String
    private let subject: String
    private let text: String

    init(to recipient: String, company: String, role: String, link: String, language: Language) {
        self.recipient = recipient
        switch language {
        case .english:
            subject = "\(company) invites you"
            text = """
                \(company) invites you to work on its Gatehouse box, as \(role).

                Choose a user name and a password here:
                \(link)

                The link is good once, for three days. Whoever has it can join: do not pass it on.
                """
        case .italian:
            subject = "\(company) ti invita"
            text = """
                \(company) ti invita a lavorare sul suo gateway Gatehouse, come \(role).

                Scegli un nome utente e una password qui:
                \(link)

                Il collegamento vale una volta, per tre giorni. Chi lo possiede può entrare: non inoltrarlo.
                """
        }
    }

    /// Brings it to its recipient, where the box can.
    func deliver(by messenger: Messenger) async -> DeliveryAnswer { await messenger.deliver(to: recipient, subject, text) }
}

extension Messenger {
    /// Sends an e-mail and says whether it could.
    func deliver(to recipient: String, _ subject: String, _ text: String) async -> DeliveryAnswer {
        do {
            try await mail(to: recipient, subject: subject, text: text)
            return DeliveryAnswer(sent: true, sentence: "Sent to \(recipient).")
        } catch {
            return DeliveryAnswer(sent: false, sentence: error.sentence)
        }
    }
}
