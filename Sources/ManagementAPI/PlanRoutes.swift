import Access
import BoxDatabase
import CloudStorage
import Core
import Devices
import Foundation
import HTTPTypes
import Hummingbird

/// Plans: what is paid for, by which channel, until when; service keys, vouchers, stock.
struct PlanRoutes {
    let services: BoxServices
    let maker: AnswerMaker

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("plans") { _, context in
            try answer(try await maker.plans(visible: try await context.channels(.viewSite, services.access.control)))
        }
        routes.post("plans/vouchers") { request, _ in
            let body = try await RequestBody.read(request)
            let voucher = Self.voucher(body)
            try body.finish()
            guard let voucher else { return Response(status: .badRequest) }
            let found = try await services.plans.take(voucher)
            return try answer(VoucherImportAnswer(found))
        }
        routes.put("channels/:id/plan") { request, context in try await activate(request, context) }
        routes.patch("channels/:id/plan") { request, context in
            let channel = try await maker.catalogue.channelRecord(try context.identifier("channel"))
            let body = try await RequestBody.read(request)
            let automatic = body.bool("automaticRenewal", required: true)
            try body.finish()
            if automatic == true { try await checkOwnsStock(context) }
            if let automatic { try await services.plans.setAutomaticRenewal(automatic, of: channel.id) }
            return try answer(try await maker.plan(of: channel))
        }
        routes.delete("channels/:id/plan") { _, context in
            let channel = try await maker.catalogue.channelRecord(try context.identifier("channel"))
            try await services.plans.end(channel.id)
            return try answer(try await maker.plan(of: channel))
        }
        routes.post("channels/:id/plan/transfer") { request, context in try await transfer(request, context) }
    }

    private func activate(_ request: Request, _ context: APIContext) async throws -> Response {
        let channel = try await maker.catalogue.channelRecord(try context.identifier("channel"))
        let body = try await RequestBody.read(request)
        let key = body.string("serviceKey", 1...64)
        let package = body.word("package", PlanPackage.self)
        if !body.has("serviceKey") && !body.has("package") || body.isNull("serviceKey") {
            body.reject("serviceKey", "serviceKey is missing: give one, or a package that is in stock.")
        } else if body.has("serviceKey"), body.has("package") {
            body.reject("package", "package must be left out where a serviceKey is given.")
        }
        try body.finish()
        if let key {
            try await services.plans.activate(channel.id, serviceKey: key)
        } else if let package {
            try await checkOwnsStock(context)
            try await services.plans.activate(channel.id, package: package)
        }
        return try answer(try await maker.plan(of: channel))
    }

    /// What is in stock was bought by the box's company: another that looks after a site brings a service key.
    private func checkOwnsStock(_ context: APIContext) async throws {
        guard let caller = context.caller else { throw Problem.notSignedIn }
        guard try await !services.access.control.isOfAnotherCompany(caller.id) else {
            throw Problem(
                .forbidden, "not-permitted", "Not permitted",
                "The packages in stock belong to the company that set the box up. Enter a service key.")
        }
    }

    private func transfer(_ request: Request, _ context: APIContext) async throws -> Response {
        let channel = try await maker.catalogue.channelRecord(try context.identifier("channel"))
        let body = try await RequestBody.read(request)
        let text = body.string("channelId", 1...64, required: true)
        let to = text.flatMap { ChannelID($0) }
        if text != nil, to == nil { body.reject("channelId", "channelId must be a channel's identifier.") }
        try body.finish()
        guard let to else { return Response(status: .badRequest) }
        try await context.require(.managePlans, to, services.access.control)
        let taker = try await maker.catalogue.channelRecord(to)
        try await services.plans.transfer(from: channel.id, to: taker.id)
        return try answer(try await maker.plan(of: taker))
    }

    /// Reads a voucher file, with a word for each entry that is not right.
    private static func voucher(_ body: RequestBody) -> Voucher? {
        _ = body.integer("format", Voucher.format...Voucher.format, required: true)
        let id = body.string("id", 1...64, required: true)
        if let id, !Voucher.isSerialNumber(id) { body.reject("id", "id must have letters, digits, - and _ only.") }
        let issuer = body.string("issuer", 44...44, required: true)
        if let issuer, !IssuerKey.isPublic(issuer) { body.reject("issuer", "issuer must be an Ed25519 public key in base64.") }
        let issuedAt = body.string("issuedAt", 20...32, required: true)
        if let issuedAt, !Voucher.isTime(issuedAt) { body.reject("issuedAt", "issuedAt must be a time such as 2027-03-14T10:00:00.000Z.") }
        let signature = body.string("signature", 88...88, required: true)
        if let signature, Data(base64Encoded: signature)?.count != 64 {
            body.reject("signature", "signature must be an Ed25519 signature in base64.")
        }
        let keys = (body.objects("keys", count: 0...Voucher.mostKeys) ?? []).map(key)
        let packages = (body.objects("packages", count: 0...Voucher.mostPackages) ?? []).map(stock)
        if keys.isEmpty, packages.isEmpty, body.errors.isEmpty { body.reject("keys", "keys are missing: the voucher is empty.") }
        guard let id, let issuer, let issuedAt, let signature else { return nil }
        return Voucher(
            id: id, issuer: issuer, issuedAt: issuedAt, keys: keys.compactMap { $0 }, packages: packages.compactMap { $0 },
            signature: signature)
    }

    private static func key(_ body: RequestBody) -> Voucher.Key? {
        let sha256 = body.string("sha256", 64...64, required: true)
        if let sha256, !Voucher.isSHA256(sha256) { body.reject("sha256", "sha256 must be 64 hexadecimal digits in lower case.") }
        let package = body.word("package", PlanPackage.self, required: true)
        let day = body.string("redeemUntil", 10...10)
        if let day, CalendarDay(day) == nil { body.reject("redeemUntil", "redeemUntil must be a day such as 2027-03-31.") }
        let box = serialNumber(body, required: false)
        guard let sha256, let package else { return nil }
        return Voucher.Key(sha256: sha256, package: package, redeemUntil: day.flatMap(CalendarDay.init), box: box)
    }

    private static func stock(_ body: RequestBody) -> Voucher.Stock? {
        let package = body.word("package", PlanPackage.self, required: true)
        let count = body.integer("count", 1...Voucher.mostOfAPackage, required: true)
        let box = serialNumber(body, required: true)
        guard let package, let count, let box else { return nil }
        return Voucher.Stock(package: package, count: count, box: box)
    }

    private static func serialNumber(_ body: RequestBody, required: Bool) -> String? {
        let box = body.string("box", 1...64, required: required)
        if let box, !Voucher.isSerialNumber(box) { body.reject("box", "box must be a box's serial number.") }
        return box
    }
}
