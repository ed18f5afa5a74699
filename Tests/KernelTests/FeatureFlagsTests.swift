import Foundation
import Testing

@testable import Kernel

@Suite("Feature flags")
struct FeatureFlagsTests {
    let ann = FlagRule.Subject(account: "acc_ann", roles: ["member", "seller"])

    @Test(
        "a rule names whom it is for",
        arguments: [
            (FlagRule.nobody, false, false), (.everyone, true, true), (.roles(["seller", "admin"]), true, false),
            (.roles(["admin"]), false, false), (.roles([]), false, false), (.accounts(["acc_ann"]), true, false),
            (.accounts(["acc_bob"]), false, false), (.percentage(0), false, false), (.percentage(100), true, true),
        ]
    )
    func rules(rule: FlagRule, forAnn: Bool, forVisitor: Bool) {
        #expect(rule.isOn("beta", for: ann) == forAnn)
        #expect(rule.isOn("beta", for: .visitor) == forVisitor)
    }

    @Test("a share is nearly that share, keeps whom it had as it grows, and is another one for another feature")
    func share() {
        let accounts = (0..<4000).map { FlagRule.Subject(account: "acc_\($0)") }
        func on(_ key: String, _ share: Int) -> Set<String> {
            Set(accounts.filter { FlagRule.percentage(share).isOn(key, for: $0) }.compactMap(\.account))
        }
        #expect((900...1100).contains(on("beta", 25).count))
        #expect(on("beta", 25).isSubset(of: on("beta", 26)))
        #expect(on("beta", 25).intersection(on("other", 25)).count < 400)
    }

    @Test("an area that is off at boot is off for everyone")
    func boot() {
        let flags = FeatureFlags(areas: [.courses], rules: ["shop": .everyone, "courses": .roles(["seller"])])
        #expect(!flags.isOn(.shop, for: ann))
        #expect(!flags.isOn("shop", for: ann))
        #expect(flags.isOn(.courses, for: ann))
        #expect(!flags.isOn(.courses, for: .visitor))
        #expect(FeatureFlags(areas: [.social]).isOn(.social, for: .visitor))
        #expect(!flags.isOn("unknown", for: ann))
    }

    @Test(
        "a rule is its JSON and back",
        arguments: [
            (FlagRule.nobody, #"{"to":"nobody"}"#), (.everyone, #"{"to":"everyone"}"#),
            (.roles(["b", "a"]), #"{"roles":["a","b"],"to":"roles"}"#),
            (.percentage(7), #"{"percentage":7,"to":"percentage"}"#),
            (.accounts(["acc_1"]), #"{"accounts":["acc_1"],"to":"accounts"}"#),
        ]
    )
    func json(rule: FlagRule, text: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(rule), as: UTF8.self) == text)
        #expect(try JSONDecoder().decode(FlagRule.self, from: Data(text.utf8)) == rule)
    }

    @Test(
        "what is no rule is refused",
        arguments: [
            "{}", #"{"to":"all"}"#, #"{"to":"percentage"}"#, #"{"to":"percentage","percentage":101}"#,
            #"{"to":"percentage","percentage":-1}"#, #"{"to":"roles","roles":"admin"}"#,
            #"{"to":"accounts","accounts":["#
                + (0...FlagRule.maximumNames).map { "\"a\($0)\"" }.joined(separator: ",") + "]}",
        ]
    )
    func hostile(text: String) {
        #expect(throws: (any Error).self) { try JSONDecoder().decode(FlagRule.self, from: Data(text.utf8)) }
    }

    @Test(
        "keys are short and plain",
        arguments: zip(
            ["beta", "a.b-c_2", "", "2x", "Beta", "é", "a b"],
            [true, true] + [Bool](repeating: false, count: 5)
        )
    )
    func keys(text: String, isKey: Bool) {
        #expect(FeatureFlags.isKey(text) == isKey)
        #expect(!FeatureFlags.isKey(String(repeating: "a", count: 65)))
    }
}
