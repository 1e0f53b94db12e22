import Access
import BoxDatabase
import Messaging

/// What a partner or a service provider to be is written: who asks for help with what, and the link.
struct ShareMessage {
    private let recipient: String
    private let subject: String
    private let text: String

    /// `company` is who asks: the provider's company, or an owner.
    init(_ record: SiteShareRecord, from company: String, site: String, link: String, language: Language) {
        recipient = record.recipient
        let remarks = record.remarks.map { "\n\n\($0)" } ?? ""
        let isInvitation = record.kind == .management
        switch language {
        case .english:
            subject = "\(site): \(company) asks for your help"
            let what = isInvitation ? "invites you to look after devices of \(site)" : "shares \(site) with you"
            text = """
                \(company) \(what).\(remarks)

                Look at it, and accept or refuse it, here:
                \(link)

                The link is good for three days. Whoever has it can accept: do not pass it on.
                """
        case .italian:
            subject = "\(site): \(company) chiede il tuo aiuto"
            let what = isInvitation ? "ti invita a gestire dispositivi di \(site)" : "condivide \(site) con te"
            text = """
                \(company) \(what).\(remarks)

                Guarda la richiesta, e accettala o rifiutala, qui:
                \(link)

                Il collegamento vale tre giorni. Chi lo possiede può accettare: non inoltrarlo.
                """
        }
    }

    /// Brings it to its recipient, where the box can.
    func deliver(by messenger: Messenger) async -> DeliveryAnswer { await messenger.deliver(to: recipient, subject, text) }
}
