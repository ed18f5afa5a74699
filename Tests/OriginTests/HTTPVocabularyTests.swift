import MediaCore
import NIOCore
import NIOHPACK
import NIOHTTP1
import Testing

@testable import Origin

struct RequestTargetTests {
    @Test(
        "a target is split at its slashes before its components are decoded",
        arguments: [
            ("/", [], false, nil),
            ("/live/main/index.m3u8", ["live", "main", "index.m3u8"], false, nil),
            ("/watch/main/", ["watch", "main"], true, nil),
            ("/watch//", ["watch", ""], true, nil),
            ("//evil.example/x", ["", "evil.example", "x"], false, nil),
            ("/a%2Fb/%2e%2e/c", ["a/b", "..", "c"], false, nil),
            ("/caf%C3%A9?q=%zz&r", ["café"], false, "q=%zz&r"),
            ("/x?", ["x"], false, ""),
            ("http://example.org/live/a?b", ["live", "a"], false, "b"),
            ("HTTPS://example.org", [], false, nil),
        ] as [(String, [String], Bool, String?)]
    )
    func split(target: String, components: [String], hasTrailingSlash: Bool, query: String?) throws {
        let parsed = try RequestTarget(target)
        #expect(parsed.components == components)
        #expect(parsed.hasTrailingSlash == hasTrailingSlash)
        #expect(parsed.query == query)
    }

    @Test(
        "a target that cannot be read is refused",
        arguments: [
            ("", .notAPath), ("live/main", .notAPath), ("ftp://example.org/", .notAPath), ("*", .notAPath),
            ("/%", .badPercentEncoding), ("/%4", .badPercentEncoding), ("/%zz", .badPercentEncoding),
            ("/%+1", .badPercentEncoding), ("/%FF", .badPercentEncoding), ("/%C3/x", .badPercentEncoding),
        ] as [(String, RequestTarget.Fault)]
    )
    func refused(target: String, fault: RequestTarget.Fault) {
        #expect(throws: fault) { try RequestTarget(target) }
    }
}

struct ContentCodingTests {
    @Test(
        "gzip is chosen exactly when the client takes it",
        arguments: [
            (nil, .identity), ("", .identity), ("gzip", .gzip), ("GZIP", .gzip), ("x-gzip", .gzip),
            ("gzip, deflate, br, zstd", .gzip), ("deflate,br", .identity), ("br;q=1.0, gzip;q=0.1", .gzip),
            ("gzip;q=0", .identity), ("gzip;q=0.000", .identity), ("gzip ; q=0.001", .gzip), ("gzip;q=1.000", .gzip),
            ("*", .gzip), ("*;q=0", .identity), ("gzip;q=0, *", .identity), ("identity;q=0, *;q=0.5", .gzip),
            ("gzip;q=nonsense", .gzip), ("gzip;q=0.0000", .gzip), ("gzipped", .identity), (",,gzip,,", .gzip),
        ] as [(String?, ContentCoding)]
    )
    func preferred(field: String?, coding: ContentCoding) {
        let headers = HTTPHeaders(field.map { [("Accept-Encoding", $0)] } ?? [])
        #expect(ContentCoding.preferred(by: headers) == coding)
    }

    @Test("several Accept-Encoding fields count as one list")
    func severalFields() {
        let headers = HTTPHeaders([("Accept-Encoding", "br"), ("accept-encoding", "gzip")])
        #expect(ContentCoding.preferred(by: headers) == .gzip)
    }
}

struct RangeRequestTests {
    @Test(
        "a range is read against the length",
        arguments: [
            ("bytes=0-0", .part(0..<1)), ("bytes=0-99", .part(0..<100)), ("bytes=10-", .part(10..<100)),
            ("bytes=90-1000", .part(90..<100)), ("bytes=-10", .part(90..<100)), ("bytes=-1000", .part(0..<100)),
            ("Bytes=5-6", .part(5..<7)), ("bytes=99-99999999999999999999", .part(99..<100)),
            ("bytes=0-9223372036854775807", .part(0..<100)), ("bytes=-99999999999999999999", .part(0..<100)),
            ("bytes=100-", .unsatisfiable), ("bytes=100-200", .unsatisfiable), ("bytes=-0", .unsatisfiable),
            ("bytes=99999999999999999999-", .unsatisfiable),
            ("bytes=0-1,5-6", .whole), ("bytes=5-4", .whole), ("bytes=-", .whole), ("bytes=", .whole),
            ("bytes=a-b", .whole), ("bytes=1", .whole), ("bytes=--1", .whole), ("bytes=+1-2", .whole),
            ("items=0-1", .whole), ("", .whole), ("bytes = 0-1", .whole),
        ] as [(String, RangeRequest)]
    )
    func read(value: String, expected: RangeRequest) {
        #expect(RangeRequest(value, length: 100) == expected)
    }

    @Test("no range of nothing can be satisfied", arguments: ["bytes=0-", "bytes=-1", "bytes=0-0"])
    func empty(value: String) {
        #expect(RangeRequest(value, length: 0) == .unsatisfiable)
    }
}

struct EntityTagTests {
    @Test(
        "If-None-Match is compared weakly and element by element",
        arguments: [
            (#""a""#, true), (#"W/"a""#, true), ("*", true), (#""b", "a""#, true), (#""b",W/"a""#, true),
            (#""b""#, false), (#""aa""#, false), ("a", false), ("", false), (#""a"#, false), (#""x,y" , "a""#, true),
            (#"W/a"#, false), (",,,", false),
        ]
    )
    func ifNoneMatch(value: String, matches: Bool) {
        #expect(EntityTag.list(value, contains: #""a""#) == matches)
    }

    @Test("If-Range holds for the strong tag alone", arguments: [(#""a""#, true), (#"W/"a""#, false), ("a", false)])
    func ifRange(value: String, holds: Bool) {
        #expect(EntityTag.ifRange(value, holdsFor: #""a""#) == holds)
    }
}

struct HTTPDateTests {
    @Test(
        "a date has the form of RFC 9110 section 5.6.7",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_709_208_000, "Thu, 29 Feb 2024 12:00:00 GMT"),
        ]
    )
    func form(seconds: Int, text: String) {
        #expect(HTTPDate.string(secondsSinceEpoch: seconds) == text)
    }

    @Test("a preamble is dated anew when the second changes")
    func renewed() {
        var now = 784_111_777
        let preamble = ResponsePreamble(secondsSinceEpoch: { now })
        #expect(
            String(buffer: preamble.lines(.ok, .keepAlive))
                == "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        )
        now += 1
        #expect(String(buffer: preamble.lines(.ok, .keepAlive)).contains("08:49:38"))
        #expect(String(buffer: preamble.lines(.notFound, .close)).hasSuffix("Connection: close\r\n"))
        #expect(String(buffer: preamble.lines(.ok, .keepAliveExplicitly)).hasSuffix("Connection: keep-alive\r\n"))
    }

    @Test("what is kept of header fields is dated anew when the second changes, and never taken for another answer's")
    func fields() {
        var now = 784_111_777
        let preamble = ResponsePreamble(secondsSinceEpoch: { now })
        let found = Response.plain(.ok, "ok\n")
        let missing = Response(.notFound, prebuilt: found.fields)
        func value(_ name: String, of response: Response) -> String? { preamble.fields(of: response).first(name: name) }
        for _ in 0..<2 {
            #expect(value(":status", of: found) == "200")
            #expect(value(":status", of: missing) == "404")
            #expect(value("date", of: found) == "Sun, 06 Nov 1994 08:49:37 GMT")
            for length in 3..<40 {
                let other = Response.plain(.ok, String(repeating: "x", count: length))
                #expect(value("content-length", of: other) == "\(length)")
            }
        }
        now += 1
        #expect(value("date", of: found) == "Sun, 06 Nov 1994 08:49:38 GMT")
    }
}

struct JSONTests {
    @Test("strings are escaped so that any parser reads them back")
    func escaped() {
        let value = JSON.object([
            ("a\"", .string("\\ \n \u{1} é 🎥")), ("n", .null), ("i", .array([.number(-1), .number(2)])),
        ])
        #expect(value.text == #"{"a\"":"\\ \u000a \u0001 é 🎥","n":null,"i":[-1,2]}"#)
    }
}

struct HTMLTests {
    @Test("text is escaped wherever it is interpolated, pieces are not")
    func escaped() {
        let hostile = #"<script>"a" & 'b'</script>"#
        let inner: HTML = "<i title=\"\(hostile)\">\(1)</i>"
        let outer: HTML = "<p>\(inner)\([inner])</p>"
        let escaped = "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;"
        #expect(inner.markup == "<i title=\"\(escaped)\">1</i>")
        #expect(outer.markup == "<p>\(inner.markup)\(inner.markup)</p>")
    }
}
