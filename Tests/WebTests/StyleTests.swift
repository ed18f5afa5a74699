import Foundation
import Testing

@testable import Web

@Suite("The style sheet")
struct StyleTests {
    private let css = String(decoding: PackageResources.platform_css, as: UTF8.self)

    /// The colours of a theme by the names of their tokens.
    private func colours(isDark: Bool) -> [String: [Double]] {
        var colours: [String: [Double]] = [:]
        for match in css.matches(of: /--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/) {
            let hex = (isDark ? match.3 : match.2).dropFirst()
            colours[String(match.1)] = stride(from: 0, to: 6, by: 2).map { offset in
                let start = hex.index(hex.startIndex, offsetBy: offset)
                return Double(Int(hex[start..<hex.index(start, offsetBy: 2)], radix: 16) ?? 0) / 255
            }
        }
        return colours
    }

    /// WCAG 2.2, "relative luminance" and "contrast ratio".
    private func contrast(_ one: [Double], _ other: [Double]) -> Double {
        let luminances = [one, other].map { colour in
            zip(colour, [0.2126, 0.7152, 0.0722]).reduce(0) { sum, part in
                sum + part.1 * (part.0 <= 0.04045 ? part.0 / 12.92 : pow((part.0 + 0.055) / 1.055, 2.4))
            }
        }
        return (max(luminances[0], luminances[1]) + 0.05) / (min(luminances[0], luminances[1]) + 0.05)
    }

    @Test("text is 4.5 times as bright as what it stands on, or as dark", arguments: [false, true])
    func text(isDark: Bool) throws {
        let colours = colours(isDark: isDark)
        let grounds = ["ground", "surface", "raised"]
        var pairs = ["text", "quiet", "accent"].flatMap { text in grounds.map { (text, $0) } }
        pairs += ["danger", "warn", "good"].flatMap { text in ["ground", "surface"].map { (text, $0) } }
        pairs += [("on-accent", "accent"), ("on-live", "live"), ("on-danger", "danger")]
        for (text, ground) in pairs {
            let ratio = contrast(try #require(colours[text]), try #require(colours[ground]))
            #expect(ratio >= 4.5, "\(text) on \(ground): \(ratio)")
        }
    }

    @Test("controls and the focus stand out three to one from what is around them", arguments: [false, true])
    func controls(isDark: Bool) throws {
        let colours = colours(isDark: isDark)
        for control in ["control", "accent", "danger"] {
            for ground in ["ground", "surface", "raised"] {
                let ratio = contrast(try #require(colours[control]), try #require(colours[ground]))
                #expect(ratio >= 3, "\(control) on \(ground): \(ratio)")
            }
        }
    }

    @Test("every colour is a token") func tokens() {
        let outside = css.split(separator: "\n").filter {
            $0.contains(/#[0-9a-fA-F]{3,8}\b|rgb\(|hsl\(/) && !$0.contains("light-dark(")
        }
        #expect(outside == [])
        let used = Set(css.matches(of: /var\((--[a-z0-9-]+)\)/).map { String($0.1) })
        let named = Set(css.matches(of: /(--[a-z0-9-]+):/).map { String($0.1) })
        #expect(used == named)
    }

    @Test("every class of the templates has a style, and every style is of use") func classes() {
        let styled = Set(css.matches(of: /\.([a-z][a-z-]*)/).map { String($0.1) })
        let sources = (Template.own + PageTests.modules).map(\.source).joined().replacing(/\{\{[^}]*\}\}/, with: " ")
        let used = Set(sources.matches(of: /class="([^"]*)"/).flatMap { $0.1.split(separator: " ").map(String.init) })
        let unstyled: Set<String> = ["button", "empty", "doors", "act", "pages"]
        #expect(used.subtracting(styled).subtracting(unstyled) == [])
        #expect(styled.subtracting(used).subtracting(["css"]) == [])
    }
}
