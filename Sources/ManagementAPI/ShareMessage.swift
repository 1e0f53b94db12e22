import Access
import BoxDatabase
import Messaging

/// What a partner to be is written: who asks for help with what, and the link.
struct ShareMessage {
    private let recipient: String
    private let subject: String
    private let text: String

    init(_ record: SiteShareRecord, site: SiteView, link: String, language: Language) {
        recipient = record.recipient
        let company = site.company ?? ""
        let name = site.record.name
        let remarks = record.remarks.map { "\n\n\($0)" } ?? ""
        switch language {
        case .english:
            subject = "\(name): \(company) asks for your help"
            text = """
                \(company) shares \(name) with you.\(remarks)

                Look at it, and accept or refuse it, here:
                \(link)

                The link is good for three days. Whoever has it can accept: do not pass it on.
                """
        case .italian:
            subject = "\(name): \(company) chiede il tuo aiuto"
            text = """
                \(company) condivide \(name) con te.\(remarks)

                Guardalo, e accetta o rifiuta, qui:
                \(link)

                Il collegamento vale tre giorni. Chi lo possiede può accettare: non inoltrarlo.
                """
        }
    }

    /// Brings it to its recipient, where the box can.
    func deliver(by messenger: Messenger) async -> DeliveryAnswer {
        do {
            try await messenger.mail(to: recipient, subject: subject, text: text)
            return DeliveryAnswer(sent: true, sentence: "Sent to \(recipient).")
        } catch {
            return DeliveryAnswer(sent: false, sentence: error.sentence)
        }
    }
}
