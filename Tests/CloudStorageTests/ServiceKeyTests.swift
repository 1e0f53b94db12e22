import Testing

@testable import CloudStorage

@Suite struct ServiceKeyTests {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    private func plain(_ key: ServiceKey) -> [Character] { key.text.filter { $0 != "-" } }

    private func isTaken(_ characters: [Character]) -> Bool { (try? ServiceKey(entered: String(characters))) != nil }

    @Test func keysAreSixteenCharactersInGroupsOfFourWithoutLookAlikes() {
        var seen: Set<String> = []
        for _ in 0..<2000 {
            let key = ServiceKey()
            let groups = key.text.split(separator: "-")
            #expect(groups.count == 4 && groups.allSatisfy { $0.count == 4 })
            #expect(key.text.allSatisfy { $0 == "-" || Self.alphabet.contains($0) })
            #expect(!key.text.contains { "ILOU".contains($0) })
            seen.insert(key.text)
        }
        #expect(seen.count == 2000)
    }

    @Test func everySingleWrongCharacterIsFound() {
        for _ in 0..<40 {
            let key = plain(ServiceKey())
            for place in key.indices {
                for other in Self.alphabet where other != key[place] {
                    var wrong = key
                    wrong[place] = other
                    #expect(!isTaken(wrong))
                }
            }
        }
    }

    @Test func everyExchangeOfNeighboursIsFound() throws {
        let key = plain(ServiceKey())
        for place in key.indices.dropLast() {
            let third = (place + 8) % key.count
            for (index, a) in Self.alphabet.enumerated() {
                for b in Self.alphabet.dropFirst(index + 1) {
                    var right = key
                    right[place] = a
                    right[place + 1] = b
                    // One character at a third place makes it a valid key again.
                    right[third] = try #require(
                        Self.alphabet.first { candidate in
                            var tried = right
                            tried[third] = candidate
                            return isTaken(tried)
                        })
                    right.swapAt(place, place + 1)
                    #expect(!isTaken(right))
                }
            }
        }
    }

    @Test func anExchangeOfDistantCharactersIsFoundToo() {
        for _ in 0..<60 {
            let key = plain(ServiceKey())
            for first in key.indices {
                for second in key.indices where second > first && key[first] != key[second] {
                    var wrong = key
                    wrong.swapAt(first, second)
                    #expect(!isTaken(wrong))
                }
            }
        }
    }

    @Test func everyPairOfEqualsTypedAsAnotherIsFound() {
        for _ in 0..<20 {
            let key = plain(ServiceKey())
            for place in key.indices.dropLast() where key[place] == key[place + 1] {
                for other in Self.alphabet where other != key[place] {
                    var wrong = key
                    wrong[place] = other
                    wrong[place + 1] = other
                    #expect(!isTaken(wrong))
                }
            }
        }
    }

    @Test func caseHyphensSpacesAndLookAlikesAreForgiven() throws {
        for _ in 0..<200 {
            let key = ServiceKey()
            let typed = key.text.lowercased().replacing("-", with: " ").replacing("0", with: "o").replacing("1", with: "l")
            #expect(try ServiceKey(entered: typed) == key)
            #expect(try ServiceKey(entered: "  " + key.text.replacing("-", with: "").replacing("1", with: "I") + "\n") == key)
        }
    }

    @Test func whatIsWrongIsSaid() throws {
        let key = ServiceKey().text
        #expect(throws: ServiceKeyMistake.length(15)) { try ServiceKey(entered: String(key.dropLast())) }
        #expect(throws: ServiceKeyMistake.length(0)) { try ServiceKey(entered: "") }
        #expect(throws: ServiceKeyMistake.character("U")) { try ServiceKey(entered: "u" + key.dropFirst()) }
        #expect(throws: ServiceKeyMistake.character("Ä")) { try ServiceKey(entered: "ä" + key.dropFirst()) }
        let mistakes: [ServiceKeyMistake] = [.length(15), .length(1), .character("U"), .check]
        #expect(Set(mistakes.map(\.sentence)).count == 4)
    }

    @Test func theHashIsOfTheSixteenCharacters() throws {
        // printf 0000000000000000 | sha256sum
        let zeros = try ServiceKey(entered: "OOOO-0000-0000-0000")
        #expect(zeros.sha256 == "fcdb4b423f4e5283afa249d762ef6aef150e91fccd810d43e5e719d14512dec7")
    }
}
