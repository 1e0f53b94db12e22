import Access
import BoxDatabase
import Cameras
import Core
import Devices
import Foundation
import HTTPTypes
import Hummingbird
import Outbound

/// Finding devices on the LAN and adding them, many at once.
struct OnboardingRoutes {
    let services: BoxServices
    let maker: AnswerMaker

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("discovery") { _, context in try answer(try await discovery(context.rights)) }
        routes.post("discovery") { request, context in try await find(request, context) }
        routes.delete("discovery") { _, _ in
            services.discovery.cancel()
            return Response(status: .noContent)
        }
        routes.get("onboardings") { _, context in
            let jobs = services.onboarding.jobs.filter { context.rights.allow(.configure, at: Place(site: $0.site)) }
            return try answer(ListAnswer(items: jobs.reversed().map(OnboardingAnswer.init)))
        }
        routes.post("onboardings") { request, context in try await begin(request, context) }
        routes.get("onboardings/:id") { _, context in try answer(OnboardingAnswer(try job(context))) }
        routes.delete("onboardings/:id") { _, context in
            services.onboarding.cancel(try job(context).id)
            return Response(status: .noContent)
        }
        routes.post("onboardings/:id/devices/:index/retry") { request, context in try await retry(request, context) }
        routes.post("onboardings/:id/devices/:index/activate") { request, context in try await activate(request, context) }
    }

    private func discovery(_ rights: Rights) async throws -> DiscoveryStateAnswer {
        let snapshot = services.discovery.snapshot
        var items: [DiscoveredAnswer] = []
        for device in snapshot.devices { items.append(try await maker.discovered(device, rights)) }
        return DiscoveryStateAnswer(snapshot, items: items)
    }

    private func find(_ request: Request, _ context: APIContext) async throws -> Response {
        var seconds = 5
        var sweep = false
        var addresses: [String] = []
        if request.headers[.contentType] != nil {
            let body = try await RequestBody.read(request)
            seconds = body.integer("seconds", 2...30) ?? seconds
            sweep = body.bool("sweep") ?? sweep
            addresses = body.strings("addresses", count: 0...256) ?? []
            if !addresses.allSatisfy(DeviceEntry.isHost) { body.reject("addresses", "addresses must be IP addresses.") }
            try body.finish()
        }
        for address in addresses {
            do {
                try await services.prober.policy.check(host: address)
            } catch {
                throw Problem(
                    .unprocessableContent, error.code, "Address refused", error.sentence,
                    errors: [.init(field: "/addresses", detail: error.sentence)])
            }
        }
        services.discovery.begin(seconds: seconds, sweep: sweep, unicast: addresses)
        return try answer(try await discovery(context.rights), status: .accepted)
    }

    private func job(_ context: APIContext) throws -> Onboarding.Job {
        guard let id = context.parameters.get("id"), let job = services.onboarding[id],
            context.rights.allow(.configure, at: Place(site: job.site))
        else { throw Problem.notFound("onboarding") }
        context.notes.note(site: job.site)
        return job
    }

    private func begin(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let userName = body.string("userName", 1...64)
        let password = body.string("password", 1...128)
        let setsClock = body.bool("setTime")
        let named = body.identifier("siteId", SiteID.init)
        let shared =
            userName.map { DeviceCredentials(userName: $0, password: password ?? "") }
            ?? password.map { DeviceCredentials(userName: "admin", password: $0) }
        let list = body.objects("devices", count: 1...64)
        if list == nil, !body.has("devices") { body.reject("devices", "devices is missing.") }
        if list?.isEmpty == true { body.reject("devices", "devices must have at least one device.") }
        let entries = (list ?? []).map { (DeviceEntry($0, creating: true, needsName: false), $0.word("driver", DriverKind.self)) }
        try body.finish()
        let site = try await context.site(named, .configure, services.catalogue)
        let requests = entries.map { entry, driver in
            OnboardingRequest(
                entry: entry.entryPoint(shared: shared), name: entry.name, driver: driver, setsClock: setsClock ?? site.syncsTime)
        }
        return try answer(OnboardingAnswer(services.onboarding.begin(requests, at: site.id)), status: .accepted)
    }

    private func index(_ context: APIContext, _ job: Onboarding.Job) throws -> Int {
        guard let index = context.parameters.get("index").flatMap({ Int($0) }), job.items.indices.contains(index) else {
            throw Problem.notFound("device in this onboarding")
        }
        return index
    }

    private func retry(_ request: Request, _ context: APIContext) async throws -> Response {
        let job = try job(context)
        let index = try index(context, job)
        let body = try await RequestBody.read(request)
        let userName = body.string("userName", 1...64)
        let password = body.string("password", 1...128)
        let driver = body.word("driver", DriverChoice.self)
        let allowsBasic = body.bool("allowBasic")
        let accepts = body.bool("acceptCertificate") ?? false
        let url = DeviceEntry.url("url", body)
        let httpPort = body.integer("httpPort", 1...65535)
        let https = body.bool("https")
        try body.finish()
        let item = services.onboarding.retry(job.id, index) { request in
            if userName != nil || password != nil {
                request.entry.credentials = DeviceCredentials(
                    userName: userName ?? request.entry.credentials?.userName ?? "admin",
                    password: password ?? request.entry.credentials?.password ?? "")
            }
            if let driver { request.driver = driver.kind }
            if let allowsBasic { request.entry.allowsBasic = allowsBasic }
            if accepts { request.entry.pinnedCertificate = nil }
            if let url { request.entry.mainURL = url }
            if let https {
                request.entry.address.https = https
                if httpPort == nil { request.entry.address.port = https ? 443 : 80 }
            }
            if let httpPort { request.entry.address.port = httpPort }
        }
        guard let item else { throw Problem.conflict("Only a device that could not be added can be tried again.") }
        return try answer(OnboardingItemAnswer(item, of: job), status: .accepted)
    }

    private func activate(_ request: Request, _ context: APIContext) async throws -> Response {
        let job = try job(context)
        let index = try index(context, job)
        let body = try await RequestBody.read(request)
        let password = body.string("password", 1...128, required: true)
        if let password, let reason = ISAPIActivation.weakness(of: password) { body.reject("password", reason) }
        try body.finish()
        guard job.items[index].failure?.code == .notActivated, let password else {
            throw Problem.conflict("Only a new device, which has no password yet, can be activated.")
        }
        let client = services.prober.client(job.items[index].request.entry)
        do throws(DeviceFailure) {
            try await ISAPIActivation(client: client).activate(password: password)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
        let item = services.onboarding.retry(job.id, index) {
            $0.entry.credentials = DeviceCredentials(userName: "admin", password: password)
        }
        guard let item else { throw Problem.conflict("The device is being added already.") }
        return try answer(OnboardingItemAnswer(item, of: job), status: .accepted)
    }
}
