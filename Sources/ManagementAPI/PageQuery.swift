import BoxDatabase
import Core
import Hummingbird

/// What is asked of a list that begins with its oldest: a part of it, and which of its things.
struct PageQuery {
    static let most = 500

    var words: QueryWords
    let page: ListPage

    /// Reads `after`, `limit` and what is in `known`; whatever else there is, is wrong, which `finish` says.
    init(_ request: Request, known: Set<String> = []) {
        words = QueryWords(request, known: known.union(["after", "limit"]))
        page = ListPage(
            after: words.value("after", "the next of an answer of this list", ListPlace.init), limit: words.number("limit", 1...Self.most))
    }

    /// Of the sites where something may be seen, the one that is asked for, or all.
    mutating func sites(of visible: Set<SiteID>) -> Set<SiteID> {
        guard let site: SiteID = words.identifier("siteId") else { return visible }
        return visible.intersection([site])
    }

    /// - Throws: a problem that names all that is wrong.
    func finish() throws { try words.finish() }
}

/// What is asked of a list that begins with its newest.
struct NewestQuery {
    var words: QueryWords
    let page: NewestPage

    /// Reads `before`, `limit` and what is in `known`; whatever else there is, is wrong, which `finish` says.
    init(_ request: Request, known: Set<String> = []) {
        words = QueryWords(request, known: known.union(["before", "limit"]))
        let before: Identifier<Never>? = words.identifier("before")
        page = NewestPage(before: before?.text, limit: words.number("limit", 1...PageQuery.most) ?? NewestPage.usual)
    }

    /// What is asked of a list whose things have a state, of which those of one may be wanted alone.
    /// - Throws: a problem that names all that is wrong.
    static func inState<State: RawRepresentable<String> & CaseIterable>(
        _ request: Request, _ kind: State.Type
    ) throws -> (state: State?, page: NewestPage) {
        var query = NewestQuery(request, known: ["state"])
        let state = query.words.word("state", kind)
        try query.finish()
        return (state, query.page)
    }

    /// - Throws: a problem that names all that is wrong.
    func finish() throws { try words.finish() }
}
