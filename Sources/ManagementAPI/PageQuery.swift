import BoxDatabase
import Core
import Hummingbird

/// What is asked of a list: a part of it, and which of its things.
struct PageQuery {
    static let most = 500
    private static let longest = 64

    let page: ListPage
    private let texts: [String: String]

    /// Reads `after`, `limit` and the words of `known`; whatever else there is, is wrong.
    /// - Throws: a problem that names what is wrong.
    init(_ request: Request, known: Set<String>) throws {
        var (page, texts, errors) = (ListPage(), [String: String](), [Problem.FieldError]())
        for (key, value) in request.uri.queryParameters {
            let (name, text) = (String(key), String(value))
            switch name {
            case "after":
                page.after = ListPlace(text)
                if page.after == nil { errors.append(.init(field: "/after", detail: "after must be the next of an answer of this list.")) }
            case "limit":
                page.limit = Int(text).flatMap { (1...Self.most).contains($0) ? $0 : nil }
                if page.limit == nil { errors.append(.init(field: "/limit", detail: "limit must be 1 to \(Self.most).")) }
            case _ where known.contains(name): texts[name] = text
            default: errors.append(.init(field: "/\(name.prefix(64))", detail: "\(name.prefix(64)) is not known here."))
            }
        }
        guard errors.isEmpty else { throw Problem.invalid(errors) }
        (self.page, self.texts) = (page, texts)
    }

    /// Words that are looked for; nil where there are none.
    var words: String? { texts["search"].map { String($0.prefix(Self.longest)) }.flatMap { $0.isEmpty ? nil : $0 } }

    /// - Throws: a problem that names it where it is no identifier.
    func identifier<Kind>(_ name: String) throws -> Identifier<Kind>? {
        guard let text = texts[name] else { return nil }
        guard let id = Identifier<Kind>(text) else {
            throw Problem.invalid([.init(field: "/\(name)", detail: "\(name) must be an identifier.")])
        }
        return id
    }

    /// Of the sites where something may be seen, the one that is asked for, or all.
    func sites(of visible: Set<SiteID>) throws -> Set<SiteID> {
        guard let site: SiteID = try identifier("siteId") else { return visible }
        return visible.intersection([site])
    }
}
