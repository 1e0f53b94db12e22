import Access
import Core
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServerCertificate

/// The certificate that the box shows, and how another takes its place.
struct CertificateRoutes {
    let services: BoxServices

    private static let longest = 32 << 10
    /// RFC 1035, section 2.3.4.
    private static let longestName = 253

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("certificate") { _, _ in try answer(CertificateAnswer(try certificates)) }
        routes.put("certificate") { request, context in try await install(request, context) }
        routes.delete("certificate") { _, context in
            try installable.remove()
            services.logger.notice("the installed certificate was removed", metadata: ["by": "\(context.caller?.name ?? "")"])
            return Response(status: .noContent)
        }
        routes.post("certificate/request") { request, _ in
            let body = try await RequestBody.read(request)
            let names = body.strings("names", count: 1...20)
            if names == nil, !body.has("names") { body.reject("names", "names is missing.") }
            if let names, !names.allSatisfy({ DeviceEntry.isHost($0) && $0.utf8.count <= Self.longestName }) {
                body.reject("names", "names must be host names or addresses.")
            }
            try body.finish()
            let made = try installable.request(for: names ?? [])
            return try answer(CertificateRequestAnswer(request: made), status: .created)
        }
        routes.get("certificate/authority") { _, _ in
            Response(
                status: .ok,
                headers: [
                    .contentType: "application/x-x509-ca-cert",
                    .contentDisposition: "attachment; filename=\"gatehouse-\(services.identity.serialNumber).crt\"",
                ], body: ResponseBody(byteBuffer: ByteBuffer(string: try certificates.shown.authority)))
        }
    }

    private var certificates: ServerCertificates {
        get throws {
            guard let certificates = services.certificates else {
                throw Problem.conflict("The box shows no certificate: it runs without TLS (http.tls), behind a proxy that has one.")
            }
            return certificates
        }
    }

    private var installable: ServerCertificates {
        get throws {
            let certificates = try certificates
            guard !certificates.isConfigured else {
                throw Problem.conflict("The configuration names the files of the certificate (http.certificate). Change those.")
            }
            return certificates
        }
    }

    private func install(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let certificate = body.string("certificate", 1...Self.longest, required: true, multiline: true)
        let key = body.string("key", 1...Self.longest, multiline: true)
        try body.finish()
        guard let certificate else { return Response(status: .badRequest) }
        let certificates = try installable
        do {
            try certificates.install(certificate: certificate, key: key)
        } catch let refusal as CertificateRefusal {
            throw Problem.invalid([.init(field: "/\(refusal.part.rawValue)", detail: refusal.sentence)])
        }
        services.logger.notice("a certificate was installed", metadata: ["by": "\(context.caller?.name ?? "")"])
        return try answer(CertificateAnswer(certificates))
    }
}

private struct CertificateAnswer: Encodable {
    let source: String
    let names: [String]
    let subject: String
    let issuer: String
    let validFrom: Date
    let validUntil: Date
    let fingerprint: String
    /// Why the certificate that should be shown is not, or will not be for long.
    let trouble: Nullable<String>
    /// A request of the box's waits for its certificate.
    let isRequested: Bool
    /// The configuration names its files.
    let isConfigured: Bool

    init(_ certificates: ServerCertificates) {
        let shown = certificates.shown
        (source, names, subject, issuer) = (shown.source.rawValue, shown.names, shown.subject, shown.issuer)
        (validFrom, validUntil, fingerprint) = (shown.validFrom, shown.validUntil, shown.fingerprint)
        trouble = Nullable(shown.trouble)
        isRequested = shown.isRequested
        isConfigured = certificates.isConfigured
    }
}

private struct CertificateRequestAnswer: Encodable {
    let request: String
}
