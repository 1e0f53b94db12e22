import Core
import Testing

@Suite struct SecretComparisonTests {
    @Test func equalOnesAreTheSame() {
        #expect(isSameSecret("".utf8, "".utf8))
        #expect(isSameSecret("0f3a".utf8, "0f3a".utf8))
    }

    @Test func oneBitAnywhereMakesAnother() {
        let secret = Array("5ccc069c403ebaf9f0171e9517f40e41".utf8)
        for index in secret.indices {
            for bit in 0..<8 {
                var other = secret
                other[index] ^= 1 << bit
                #expect(!isSameSecret(secret, other))
            }
        }
        #expect(!isSameSecret(secret, secret.dropLast()))
        #expect(!isSameSecret(secret, []))
    }

    /// Differences must not make up for one another: each pair of bytes of either text counts by itself.
    @Test func noGuessIsTaken() {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef".utf8)
        func drawn() -> [UInt8] { (0..<32).map { _ in digits[Int.random(in: 0..<16, using: &generator)] } }
        #expect((0..<20_000).count { _ in isSameSecret(drawn(), drawn()) } == 0)
    }
}
