import Foundation

/// Which passwords people may have: long ones that are not among the first to be guessed. What characters they are of is theirs (NIST SP 800-63B, 5.1.1.2).
public enum PasswordRules {
    public static let length = 12...256

    /// Why `password` is refused, as a sentence; nil when it is good. `names` are those of the person and the box.
    public static func refusal(of password: String, names: [String]) -> String? {
        guard length.contains(password.count) else {
            return "A password has \(length.lowerBound) to \(length.upperBound) characters; some words one after the other do well."
        }
        let plain = String(password.lowercased().filter { !$0.isWhitespace })
        if isCommon(plain) { return "This password is among the first that are tried. Take some words that do not belong together." }
        if isMonotonous(plain) { return "This password repeats itself or counts up. Take some words that do not belong together." }
        for name in names.map({ $0.lowercased() }) where name.count >= 4 && plain.contains(name) && plain.count - name.count < 8 {
            return "This password is little more than a name. Take some words that do not belong together."
        }
        return nil
    }

    /// With the usual tails and letters in place of signs taken off, it is a word that everybody takes.
    private static func isCommon(_ plain: String) -> Bool {
        if common.contains(plain) { return true }
        let letters = String(plain.map { substitutes[$0] ?? $0 })
        let core = letters.trimmingCharacters(in: .decimalDigits.union(.punctuationCharacters).union(.symbols))
        let bare = plain.trimmingCharacters(in: .decimalDigits.union(.punctuationCharacters).union(.symbols))
        let word = String(bare.map { substitutes[$0] ?? $0 })
        return [letters, core, bare, word].contains { common.contains($0) || words.contains($0) }
    }

    /// Few signs over and over, or a row of the alphabet, of digits or of the keyboard.
    private static func isMonotonous(_ plain: String) -> Bool {
        let characters = Array(plain)
        if Set(characters).count < 5 { return true }
        for period in 1...6 where characters.count >= 2 * period {
            if (period..<characters.count).allSatisfy({ characters[$0] == characters[$0 - period] }) { return true }
        }
        return rows.contains { row in
            let (forth, back) = (row + row, String((row + row).reversed()))
            return forth.contains(plain) || back.contains(plain)
        }
    }

    private static let substitutes: [Character: Character] = [
        "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i",
    ]
    private static let rows = [
        "abcdefghijklmnopqrstuvwxyz", "01234567890", "1234567890", "qwertyuiopasdfghjklzxcvbnm", "qazwsxedcrfvtgbyhnujmikolp",
        "1q2w3e4r5t6y7u8i9o0p",
    ]
    /// Words that alone, with a tail of digits and signs, are no password.
    private static let words: Set<String> = [
        "password", "passwort", "passwords", "password's", "administrator", "admin", "welcome", "welcometo", "letmein", "letmeinnow",
        "hikvision", "hikvisionadmin",
        "gatehouse", "changeme", "changemenow", "default", "security", "surveillance", "cameracamera", "camera", "cameras", "videocamera",
        "qwerty", "qwertyuiop",
        "iloveyou", "sunshine", "princess", "football", "baseball", "monkey", "dragon", "master", "superman", "batman", "starwars",
        "trustno", "whatever", "computer",
        "internet", "samsung", "telecamera", "telecamere", "benvenuto", "ciaociao", "juventus", "ferrari", "installer", "installatore",
        "amministratore", "summer",
        "winter", "spring", "autumn", "january", "february", "september", "october", "november", "december", "monday", "liverpool",
        "manchester", "barcelona",
        "realmadrid", "chelsea", "arsenal", "christmas", "birthday", "jesuschrist", "mypassword", "yourpassword", "thepassword",
        "newpassword", "passwordpassword",
        "passw", "secret", "supersecret", "topsecret", "system", "manager", "support", "service", "testtest", "testing", "temporary",
        "temppassword", "loveyou",
    ]
    /// Longer ones as lists of lost passwords begin with.
    private static let common: Set<String> = [
        "correcthorsebatterystaple", "correcthorse", "unbelievable", "123456789abc", "1234567890ab", "q1w2e3r4t5y6", "1qaz2wsx3edc",
        "1qaz2wsx3edc4rfv",
        "zaq12wsxcde3", "zaq1xsw2cde3", "qwerty123456", "123456qwerty", "qwertyuiop123", "asdfghjkl123", "asdfghjkl;'\\", "zxcvbnm12345",
        "iloveyou1234",
        "iloveyou2000", "iloveyousomuch", "iloveyouforever", "iloveyoubaby", "onetwothreefour", "jesuslovesme", "godislove123",
        "trustnoone123", "letmein12345",
        "welcome12345", "passw0rd1234", "p@ssw0rd1234", "p@ssword1234", "password1234", "password12345", "password123456", "adminadmin123",
        "administrator1",
        "administrator123", "admin1234567", "rootrootroot", "toortoortoor", "linkedin1234", "facebook1234", "michaeljackson",
        "harrypotter1", "slipknot1234",
        "chocolate123", "basketball12", "basketball123", "liverpoolfc1", "manchesterunited", "realmadrid123", "fcbarcelona1",
        "spongebob123", "mustang12345",
        "starwars1234", "superman1234", "monkey123456", "dragon123456", "football1234", "princess1234", "sunshine1234", "computer1234",
        "internet1234",
        "whateverwhatever", "abcdefg12345", "abcdefgh1234", "abc123456789", "abcd12345678", "a1b2c3d4e5f6", "aa12345678", "987654321abc",
        "thisismypassword",
        "mypassword123", "changeme1234", "default12345", "hik12345+", "hikvision123", "hikvision1234", "hikvision12345", "camera123456",
        "security1234",
    ]
}
