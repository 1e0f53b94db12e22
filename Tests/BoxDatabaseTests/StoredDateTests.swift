import BoxDatabase
import Foundation
import GRDB
import TestSupport
import Testing

@Suite struct StoredDateTests {
    /// Rows that were written either way are compared with one another.
    @Test func aDateIsWrittenAsGRDBWritesIt() {
        var generator = SystemRandomNumberGenerator()
        var dates = [0, 1, -1, 951_782_400, 951_868_799.9996, 1_709_164_800, 4_102_444_800.0005, 253_402_300_799.9].map {
            Date(timeIntervalSince1970: $0)
        }
        for _ in 0..<20_000 { dates.append(Date(timeIntervalSince1970: .random(in: 0...8_000_000_000, using: &generator))) }
        for _ in 0..<2000 {
            dates.append(Date(timeIntervalSince1970: (Double.random(in: 0...2_000_000_000, using: &generator) * 1000).rounded() / 1000))
        }
        for date in dates { #expect(String.fromDatabaseValue(date.databaseValue) == date.stored) }
    }
}
