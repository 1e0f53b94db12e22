import Access
import BoxDatabase
import CloudStorage
import Core
import Devices
import Foundation
import HTTPTypes
import Recording

struct ChannelPlanAnswer: Encodable {
    let channelId: ChannelID
    let channelName: String
    let linked: Bool
    let state: PlanState
    let sentence: String
    let package: Nullable<PlanPackage>
    let retentionDays: Nullable<Int>
    let from: Nullable<Date>
    /// The first moment that is not paid for.
    let until: Nullable<Date>
    /// The last day that is paid for, at the site.
    let lastDay: Nullable<CalendarDay>
    let automaticRenewal: Bool
}

struct StockAnswer: Encodable {
    let package: PlanPackage
    let retentionDays: Int
    let term: PlanPackage.Term
    let count: Int
}

struct PlanHistoryAnswer: Encodable {
    let at: Date
    let kind: PlanHistoryRecord.Kind
    let channelId: ChannelID
    let channelName: String
    let package: PlanPackage
    let until: Date
    let lastDay: CalendarDay
    let source: Nullable<PlanHistoryRecord.Source>
    let voucherId: Nullable<String>
    let toChannelId: Nullable<ChannelID>
    let toChannelName: Nullable<String>
}

struct PlansAnswer: Encodable {
    let enforced: Bool
    let sentence: String
    /// As many channels as the box records for the cloud, so as many plans as it can use.
    let mostChannels: Int
    let channels: [ChannelPlanAnswer]
    let expiring: [ChannelID]
    let stock: [StockAnswer]
    let history: [PlanHistoryAnswer]
}

struct VoucherImportAnswer: Encodable {
    let keys: Int
    let keysOfOtherBoxes: Int
    let packages: Int
    let sentence: String

    init(_ result: VoucherImport) {
        keys = result.keys
        keysOfOtherBoxes = result.keysOfOthers
        packages = result.packages
        sentence = result.sentence
    }
}

extension AnswerMaker {
    /// Plans and their history, of `visible` channels; nil for all.
    func plans(visible: Set<ChannelID>? = nil) async throws -> PlansAnswer {
        let ledger = services.plans
        let books = try await ledger.books()
        let channels = try await catalogue.channelRecords().filter { visible?.contains($0.id) ?? true }
            .map { plan(of: $0, stock: books.stock) }
        return PlansAnswer(
            enforced: ledger.isEnforced,
            sentence: ledger.isEnforced
                ? "Footage of a channel is recorded while its plan is active."
                : "This box needs no plans: every linked channel is recorded.",
            mostChannels: ChannelRegistry.mostLinked,
            channels: channels, expiring: channels.filter { $0.state == .expiring }.map(\.channelId),
            stock: PlanPackage.allCases.map {
                StockAnswer(package: $0, retentionDays: $0.retentionDays, term: $0.term, count: books.stock[$0] ?? 0)
            },
            history: books.history.filter { visible?.contains($0.channelId) ?? true }.map { entry in
                PlanHistoryAnswer(
                    at: entry.at, kind: entry.kind, channelId: entry.channelId, channelName: entry.channelName, package: entry.package,
                    until: entry.until, lastDay: ChannelPlan.lastDay(entry.until, in: ledger.zone), source: Nullable(entry.source),
                    voucherId: Nullable(entry.voucherId), toChannelId: Nullable(entry.toChannelId),
                    toChannelName: Nullable(entry.toChannelName))
            })
    }

    func plan(of record: ChannelRecord) async throws -> ChannelPlanAnswer {
        plan(of: record, stock: try await services.plans.books().stock)
    }

    private func plan(of record: ChannelRecord, stock: [PlanPackage: Int]) -> ChannelPlanAnswer {
        guard services.plans.isEnforced else { return planNotNeeded(record) }
        let now = services.time.now()
        let (plan, zone) = (services.plans.plan(of: record.id), services.plans.zone)
        let period = plan.period(at: now) ?? plan.periods.last
        let inStock = plan.periods.last.map { (stock[$0.package] ?? 0) > 0 } ?? false
        return ChannelPlanAnswer(
            channelId: record.id, channelName: record.name, linked: record.definition != nil, state: plan.state(at: now),
            sentence: plan.sentence(at: now, in: zone, inStock: inStock), package: Nullable(period?.package),
            retentionDays: Nullable(period?.package.retentionDays), from: Nullable(plan.from), until: Nullable(plan.until),
            lastDay: Nullable(plan.until.map { ChannelPlan.lastDay($0, in: zone) }), automaticRenewal: plan.automaticRenewal)
    }

    /// Whatever plans there were: where none is needed none decides anything.
    private func planNotNeeded(_ record: ChannelRecord) -> ChannelPlanAnswer {
        let linked = record.definition != nil
        return ChannelPlanAnswer(
            channelId: record.id, channelName: record.name, linked: linked, state: .notNeeded,
            sentence: linked
                ? "Recorded without a plan; footage is kept for \(record.retentionDays) days."
                : "Not linked to the cloud, so nothing is recorded. No plan is needed.",
            package: Nullable(nil), retentionDays: Nullable(nil), from: Nullable(nil), until: Nullable(nil), lastDay: Nullable(nil),
            automaticRenewal: false)
    }

    /// Linked channels that are not recorded for want of a plan.
    func missingPlans(_ rights: Rights) async throws -> [HealthAnswer.Problem] {
        try await catalogue.channelRecords().compactMap { channel in
            guard rights.allow(.viewSite, at: channel.place), channel.definition != nil,
                case .missing(let sentence) = services.plans.cover(of: channel.id)
            else { return nil }
            return .init(
                severity: .attention, subject: .init(kind: "channel", id: channel.id.text), sentence: "\(channel.name): \(sentence)",
                since: services.plans.plan(of: channel.id).until ?? channel.createdAt)
        }
    }
}

extension Problem {
    /// Why a plan is not activated, renewed, moved; what is wrong with a service key belongs to its field.
    init(_ refusal: PlanRefusal) {
        if refusal.code == .noSuchChannel {
            self = .notFound("channel")
        } else if refusal.code.isOfKey {
            self.init(
                .unprocessableContent, refusal.code.rawValue, "The key is not taken", refusal.sentence,
                errors: [.init(field: "/serviceKey", detail: refusal.sentence)])
        } else {
            self.init(.conflict, refusal.code.rawValue, "Not possible now", refusal.sentence)
        }
    }

    init(_ mistake: VoucherMistake) {
        self.init(.unprocessableContent, mistake.code.rawValue, "The voucher is not taken", mistake.sentence)
    }
}
