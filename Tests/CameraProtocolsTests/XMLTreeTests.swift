import CameraProtocols
import Testing
import XML

@Suite struct XMLTreeTests {
    @Test func refusesBombsAndFloods() {
        #expect(throws: XMLRefusal.documentType) { try XMLTree(parsing: Array("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>".utf8)) }
        #expect(throws: XMLRefusal.tooDeep) {
            try XMLTree(parsing: Array((String(repeating: "<a>", count: 100) + String(repeating: "</a>", count: 100)).utf8))
        }
        #expect(throws: XMLRefusal.tooManyElements) {
            try XMLTree(parsing: Array(("<a>" + String(repeating: "<b/>", count: 50_000) + "</a>").utf8))
        }
        #expect(throws: XMLRefusal.tooLarge) { try XMLTree(parsing: repeatElement(UInt8(ascii: " "), count: 5 << 20)) }
    }

    /// Found by fuzzing: Foundation's parser, which was here before, read from address 0 where an instruction has no content.
    @Test(arguments: [
        "<a><?b?>c</a>", "<?b?><a>c</a>", "<a>c</a><?b?>", "<a>c<?b</a>?></a>", "<a>c</a><?", "<a><?\u{1}b?>c</a>", "<a><?>?>c</a>",
    ])
    func leavesProcessingInstructionsOut(text: String) throws {
        #expect(try XMLTree(parsing: Array(text.utf8)) == XMLTree("a", text: "c"))
    }

    /// A control character is taken out, and what it was in is then looked at.
    @Test func aControlCharacterHidesNoDocumentType() {
        #expect(throws: XMLRefusal.documentType) { try XMLTree(parsing: Array("<!DOC\u{1}TYPE a [<!ENTITY b 'c'>]><a>&b;</a>".utf8)) }
    }

    /// The parser that was here before took minutes for this, because it compared each attribute with all others.
    @Test(.timeLimit(.minutes(1)), arguments: ["a%=\"\" ", "xmlns:a%=\"u\" "]) func refusesManyAttributes(unit: String) {
        let attributes = (0..<200_000).map { unit.replacing("%", with: String($0)) }.joined()
        #expect(throws: XMLRefusal.tooManyElements) { try XMLTree(parsing: Array("<a \(attributes)/>".utf8)) }
    }

    @Test func readsReferencesAndCharacterData() throws {
        let tree = try XMLTree(
            parsing: Array(
                "<p:a b='&lt;&#65;&#x42;&quot;\n' c=\"'\">x &amp; y&apos;<!-- </p:a> --><![CDATA[<&amp;]]>&#xD800;&#0;\r\n<b/>z\t</p:a >"
                    .utf8))
        #expect(tree.name == "a")
        #expect(tree.attributes == ["b": "<AB\" ", "c": "'"])
        #expect(tree.text == "x & y'<&amp;&#xD800;\nz")
        #expect(tree.children == [XMLTree("b")])
    }

    @Test(arguments: [
        ("<a>x & y < z &c; &</a>", XMLTree("a", text: "x & y < z &c; &")),
        ("<a b=1 c d='2'/>", XMLTree("a", attributes: ["b": "1", "c": "", "d": "2"])),
        ("<a><b>1<c>2</a>", XMLTree("a", children: [XMLTree("b", text: "1", children: [XMLTree("c", text: "2")])])),
        ("<a><b</a>", XMLTree("a", children: [XMLTree("b")])), ("junk<a/>", XMLTree("a")),
    ]) func forgivesWhatIsPlain(text: String, tree: XMLTree) throws {
        #expect(try XMLTree(parsing: Array(text.utf8)) == tree)
    }

    @Test(arguments: [
        "<a>", "<a", "<a b", "<a b=", "<a b='", "</a>", "<a></b>", "<a><!--</a>", "<a><![CDATA[</a>", "<a>\n<b c=\"d\n\n</a>", "<", "<>",
    ]) func refusesWhatIsNotWhole(text: String) {
        #expect(throws: XMLRefusal.self) { try XMLTree(parsing: Array(text.utf8)) }
    }

    @Test func saysWhereItEnded() {
        #expect(throws: XMLRefusal.malformed("line 2, column 4")) { try XMLTree(parsing: Array("<a>\n<b>".utf8)) }
        #expect(throws: XMLRefusal.malformed("it is empty")) { try XMLTree(parsing: Array(" \r\n".utf8)) }
    }

    @Test func readsWhatItWrote() throws {
        var tree = XMLTree("a", attributes: ["b": "\"<&>"], children: [XMLTree("c", text: "x < y & z"), XMLTree("d")])
        tree.set("e", "f", to: "1")
        #expect(try XMLTree(parsing: tree.document.utf8) == tree)
        // Found by fuzzing: a name that begins with a digit behind its prefix.
        let odd = try XMLTree(parsing: Array("<a><b:2+3/></a>".utf8))
        #expect(odd.children.map(\.name) == ["b:2+3"])
        #expect(try XMLTree(parsing: odd.document.utf8) == odd)
    }

    /// Found by fuzzing: line breaks that became another form each time they were read.
    @Test func lineBreaksBecomeOneForm() throws {
        let tree = try XMLTree(parsing: Array("<a>x\r\r\n\ry</a>".utf8))
        #expect(tree.text == "x\n\n\ny")
        #expect(try XMLTree(parsing: tree.document.utf8) == tree)
    }

    @Test func takesWhatStandsBeforeAndBehind() throws {
        #expect(try XMLTree(parsing: Array("\u{FEFF}\r\n<?xml version='1.0' encoding='gb2312'?><a>é</a>trailing \u{0}<".utf8)).text == "é")
    }
}
