import Testing

@testable import Accounts

@Suite("Password policy")
struct PasswordPolicyTests {
    @Test(
        "ASVS 6.2.1, 6.2.9: 8 to 128 Unicode scalars, counted before anything is cut",
        arguments: [
            ("kT4vzq?", PasswordPolicy.Refusal.tooShort), ("kT4vzq?!", nil), ("żółćęśąń", nil), ("żółćęśą", .tooShort),
            (Self.long(64), nil), (Self.long(128), nil), (Self.long(129), .tooLong), (Self.long(100_000), .tooLong),
        ]
    )
    func lengths(_ password: String, _ refusal: PasswordPolicy.Refusal?) {
        #expect(Self.refusal(password) == refusal)
    }

    @Test(
        "ASVS 6.2.5: no kind of character is asked for",
        arguments: ["gnarlvotumip", "GNARLVOTUMIP", "739105826417", "  blanks  are  kept  ", "日本語のながい合言葉", "🦉🪁🧵🪗🫖🛶🪡🧮"]
    )
    func composition(_ password: String) {
        #expect(Self.refusal(password) == nil)
    }

    @Test(
        "ASVS 6.2.4: passwords that are tried first are refused",
        arguments: [
            "password", "Password1", "P@ssw0rd!", "passw0rd123", "12345678", "123456789", "1234567890", "87654321",
            "11111111",
            "qwertyuiop", "qwerty123", "1q2w3e4r5t", "asdfghjkl", "zxcvbnm123", "abcdefgh", "abcd1234", "1234qwer",
            "iloveyou",
            "iloveyou2", "sunshine1", "princess1", "football1", "baseball", "superman", "trustno1", "welcome1",
            "Welcome2024!",
            "Summer2023", "letmein1", "dragon12", "monkey123", "michael1", "jennifer", "jordan23", "passpass",
            "abcabcabc",
            "12121212", "31121999", "1999-12-31", "12/25/1990", "changeme", "Changeme123", "administrator", "qazwsxedc",
            "iloveyou123", "liverpool1", "starwars", "pokemon123", "lyceum2026", "Lyceum!!", "password12345678",
            "love1234",
            "bluedragon", "M0nk3y99", "asdfasdf", "qwerqwer", "aaaaaaaaaa", "zaq12wsx",
        ]
    )
    func common(_ password: String) {
        #expect(Self.refusal(password) == .tooCommon)
    }

    @Test(
        "passwords of no pattern are not taken for common ones",
        arguments: [
            "vex.tundra.plinth", "correct horse battery", "gT7#kq2Lw9", "aXbYcZdWeV", "brumwuzzle", "84629175love",
            "my grandmother bakes rye", "tr0ub4dor&3xyq",
        ]
    )
    func uncommon(_ password: String) {
        #expect(Self.refusal(password) == nil)
    }

    @Test(
        "an account's own names are no password",
        arguments: ["adalovelace", "AdaLovelace1", "ada@example.org", "lovelace!!", "1815lovelace"]
    )
    func context(_ password: String) {
        #expect(Self.refusal(password, context: ["ada@example.org", "adalovelace", "Ada Lovelace"]) == .tooCommon)
    }

    /// Text of no pattern that a rule knows.
    static func long(_ count: Int) -> String {
        let letters: [Character] = Array("abkzgqwme7")
        return String((0..<count).map { (index: Int) -> Character in letters[(index * index + index / 3) % 10] })
    }

    static func refusal(_ password: String, context: [String] = []) -> PasswordPolicy.Refusal? {
        do throws(PasswordPolicy.Refusal) {
            try PasswordPolicy.check(password, context: context)
            return nil
        } catch {
            return error
        }
    }
}

@Suite("Password hashes")
struct PasswordHashTests {
    static let cheap = PasswordHash.Cost(logN: 4, r: 8, p: 1)

    @Test("a hash is read back from its PHC string and matches its password alone")
    func round() throws {
        let hash = try #require(PasswordHash(password: "vex tundra", cost: Self.cheap, salt: [UInt8](1...16)))
        #expect(hash.phc.hasPrefix("$scrypt$ln=4,r=8,p=1$AQIDBAUGBwgJCgsMDQ4PEA$"))
        let read = try #require(PasswordHash(phc: hash.phc))
        #expect(read == hash)
        #expect(read.matches("vex tundra"))
        #expect(!read.matches("vex tundrb"))
    }

    @Test("ASVS 6.2.8: every byte of a password counts: case, blanks, null, and what comes after 72 bytes")
    func exact() throws {
        let password = String(repeating: "long ", count: 24) + "A"
        let hash = try #require(PasswordHash(password: password, cost: Self.cheap, salt: [UInt8](1...16)))
        #expect(hash.matches(password))
        for other in [
            String(password.dropLast()), password.dropLast() + "a", password + " ", " " + password, password + "\0",
            String(password.prefix(72)), password.uppercased(),
        ] {
            #expect(!hash.matches(other))
        }
        // Composed and decomposed letters are other bytes: nothing is normalised behind one's back.
        let composed = try #require(PasswordHash(password: "caf\u{E9}", cost: Self.cheap, salt: [UInt8](1...16)))
        #expect(!composed.matches("cafe\u{301}"))
    }

    @Test(
        "strings that are no PHC string of scrypt are refused",
        arguments: [
            "", "$", "$$$$", "$scrypt$", "$argon2id$ln=4,r=8,p=1$AQIDBAUGBwgJCgsMDQ4PEA$AAAA",
            "$scrypt$ln=4,r=8$AQIDBAUGBwgJCgsMDQ4PEA$AAAA", "$scrypt$ln=99,r=8,p=1$AQIDBAUGBwgJCgsMDQ4PEA$AAAA",
            "$scrypt$r=8,ln=4,p=1$AQIDBAUGBwgJCgsMDQ4PEA$AAAA", "$scrypt$ln=4,r=8,p=1$A$AAAA",
            "$scrypt$ln=-4,r=8,p=1$AQIDBA$",
            "$scrypt$ln=4,r=8,p=1$AQIDBAUGBwgJCgsMDQ4PEA$AA=A", "$scrypt$ln=4,r=8,p=1,x=1$AQIDBAUGBwgJCgsMDQ4PEA$AAAA",
        ]
    )
    func malformed(_ text: String) {
        #expect(PasswordHash(phc: text) == nil)
    }

    @Test("a hash made with less than is usual wants to be made anew, one made with more does not")
    func rehash() throws {
        let hash = try #require(PasswordHash(password: "x", cost: Self.cheap, salt: [UInt8](1...16)))
        #expect(hash.needsRehash(for: .standard))
        #expect(hash.needsRehash(for: .init(logN: 5, r: 8, p: 1)))
        #expect(!hash.needsRehash(for: Self.cheap))
        #expect(!hash.needsRehash(for: .init(logN: 3, r: 8, p: 1)))
    }
}

@Suite("Hashing of passwords")
struct PasswordHasherTests {
    @Test("a hash made with less comes back made anew once the password is known")
    func rehash() async throws {
        let old = PasswordHasher(cost: .init(logN: 4, r: 8, p: 1))
        let new = PasswordHasher(cost: .init(logN: 5, r: 8, p: 1))
        let stored = try await old.hash("vex tundra plinth")
        #expect(try await old.verify("vex tundra plinth", against: stored) == .init(isCorrect: true, rehash: nil))
        #expect(try await new.verify("wrong", against: stored) == .init(isCorrect: false, rehash: nil))
        let verdict = try await new.verify("vex tundra plinth", against: stored)
        let fresh = try #require(verdict.rehash)
        #expect(fresh.hasPrefix("$scrypt$ln=5,r=8,p=1$"))
        #expect(try await new.verify("vex tundra plinth", against: fresh) == .init(isCorrect: true, rehash: nil))
        await old.shutDown()
        await new.shutDown()
    }

    @Test("no account has no password")
    func nobody() async throws {
        let hasher = PasswordHasher(cost: .init(logN: 4, r: 8, p: 1))
        #expect(try await !hasher.verify("", against: nil).isCorrect)
        #expect(try await !hasher.verify("anything", against: "garbage").isCorrect)
        await hasher.shutDown()
    }

    @Test("what finds no place in the queue is refused at once, and places come back")
    func bounded() async throws {
        let hasher = PasswordHasher(cost: .init(logN: 14, r: 8, p: 1), permits: 1, queue: 2)
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<40 {
                group.addTask { (try? await hasher.hash("vex tundra plinth")) != nil }
            }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(outcomes.count { $0 } >= 3)
        #expect(outcomes.contains(false))
        #expect(try await hasher.hash("vex tundra plinth").hasPrefix("$scrypt$"))
        await hasher.shutDown()
    }
}
