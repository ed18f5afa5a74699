import Testing

@testable import Kernel

@Suite("What a server holds of a stream")
struct TopicFeedTests {
    func events(_ range: ClosedRange<Int64>) -> [StreamEvent] {
        range.map { StreamEvent(seq: $0, kind: "k", data: "\($0)") }
    }

    @Test("a client is given what follows its position, as much as it may take")
    func follows() {
        var feed = TopicFeed(head: 10)
        #expect(feed.events(after: 10, limit: 5) == .wait)
        feed.append(events(11...20))
        #expect(feed.events(after: 10, limit: 3) == .events(events(11...13)))
        #expect(feed.events(after: 18, limit: 5) == .events(events(19...20)))
        #expect(feed.events(after: 20, limit: 5) == .wait)
        #expect(feed.events(after: 99, limit: 5) == .wait)
    }

    @Test("what is older than the events held is to be read")
    func older() {
        var feed = TopicFeed(head: 10)
        #expect(feed.events(after: 3, limit: 5) == .read)
        feed.append(events(11...12))
        #expect(feed.events(after: 9, limit: 5) == .read)
        #expect(feed.events(after: 10, limit: 5) == .events(events(11...12)))
    }

    @Test("an event that is read twice is held once")
    func twice() {
        var feed = TopicFeed(head: 0)
        feed.append(events(1...4))
        feed.append(events(2...6))
        #expect(feed.events(after: 0, limit: 100) == .events(events(1...6)))
    }

    @Test("no more than the capacity is held")
    func bounded() {
        var feed = TopicFeed(head: 0)
        feed.append(events(1...1000))
        let first = Int64(1000 - TopicFeed.capacity)
        #expect(feed.events(after: first - 1, limit: 1) == .read)
        #expect(feed.events(after: first, limit: 1) == .events(events((first + 1)...(first + 1))))
    }

    @Test("a gap is never hidden from a client")
    func gap() {
        var feed = TopicFeed(head: 0)
        feed.append(events(1...4))
        feed.append(events(9...10))
        #expect(feed.events(after: 4, limit: 100) == .read)
        #expect(feed.events(after: 2, limit: 100) == .read)
        #expect(feed.events(after: 8, limit: 100) == .events(events(9...10)))
    }
}

@Suite("The form of server-sent events")
struct ServerSentEventTests {
    @Test("an event has its number, type and data, and ends with an empty line")
    func form() {
        #expect(ServerSentEvent(id: 7, kind: "post", data: "{}").text == "id: 7\nevent: post\ndata: {}\n\n")
        #expect(ServerSentEvent(id: nil, kind: "reset", data: "").text == "event: reset\ndata: \n\n")
    }

    @Test(
        "no text of a user begins a field or an event",
        arguments: ["\n\nid: 99", "\r\rid: 99", "\r\n\r\nid: 99", "a\nid: 99\rb"]
    )
    func hostile(data: String) {
        let text = ServerSentEvent(id: 1, kind: "k" + data, data: data).text
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.filter { $0.hasPrefix("id:") } == ["id: 1"])
        #expect(lines.filter { $0.isEmpty }.count == 2)
        #expect(!text.unicodeScalars.contains("\r"))
    }

    @Test(
        "a Last-Event-ID that we did not give is none",
        arguments: zip(
            ["5", "0", "-1", "x", "", "99999999999999999999", "1.5"],
            [5, 0, nil, nil, nil, nil, nil] as [Int64?]
        )
    )
    func last(header: String, id: Int64?) { #expect(ServerSentEvent.lastEventID(header) == id) }
}

@Suite("The pace of a client of a stream")
struct ClientPaceTests {
    let start = ContinuousClock.now

    @Test("nothing is written before access is confirmed, nor 3 s after it was")
    func access() {
        var pace = ClientPace(now: start)
        #expect(!pace.mayWrite(now: start))
        pace.confirmedAccess(askedAt: start)
        #expect(pace.mayWrite(now: start + .milliseconds(2999)))
        #expect(!pace.mayWrite(now: start + .seconds(3)))
    }

    @Test("15 s of silence are ended by a sign of life")
    func heartbeat() {
        var pace = ClientPace(now: start)
        #expect(!pace.isSilent(now: start + .seconds(14)))
        #expect(pace.isSilent(now: start + .seconds(15)))
        pace.wrote(now: start + .seconds(15))
        #expect(!pace.isSilent(now: start + .seconds(29)))
    }
}
