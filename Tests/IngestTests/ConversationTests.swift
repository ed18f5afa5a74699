import MediaCore
import NIOCore
import Testing

@testable import Ingest

/// What encoders say in their own ways, and what they are told.
@Suite("RTMP conversation")
struct ConversationTests {
    private let main: StreamID

    init() throws { main = try #require(StreamID("main")) }

    private typealias Properties = [AMF0Property]

    private func connected(_ properties: AMF0Property...) throws -> (RTMPConnectionStateMachine, [Sent]) {
        var machine = RTMPConnectionStateMachine()
        let effects = try machine.command(.string("connect"), .number(1), .ecmaArray(properties))
        return (machine, effects.sent)
    }

    // MARK: - Addresses

    @Test(
        "app, key and query are found wherever an encoder puts them",
        arguments: [
            // app, tcUrl, publish name; app, key and query.
            ("live", "rtmp://h/live", "key", "live", "key", ""),
            ("live", "rtmp://h/live", "key?token=1", "live", "key", "token=1"),
            ("live?token=1", "rtmp://h/live?token=1", "key", "live", "key", "token=1"),
            ("live", "rtmp://h:1935/live?token=1", "key", "live", "key", "token=1"),
            ("live?a=1", "rtmp://h/live?b=2", "key?c=3", "live", "key", "c=3"),
            // The key typed into the server's address, with an empty stream name: OBS does what it is told.
            ("live/key", "rtmp://h/live/key", "", "live", "key", ""),
            ("live/key?t=1", "rtmp://h/live/key?t=1", "", "live", "key", "t=1"),
            ("live/inner", "rtmp://h/live/inner", "key", "live", "key", ""),
            // No app, which only tcUrl tells then; in quotes from some hardware.
            ("", "rtmp://h/live", "key", "live", "key", ""),
            ("", "\"rtmp://h:1935/live/\"", "key", "live", "key", ""),
            ("/live/", "", "key", "live", "key", ""),
            ("", "", "key", "", "key", ""),
            ("", "rtmp://h", "key", "", "key", ""),
            // The whole address again.
            ("live", "rtmp://h/live", "rtmp://h/live/key?t=1", "live", "key", "t=1"),
            // A client that has been told nothing of Adobe's authentication offers it all the same: the key decides.
            ("live?authmod=adobe&user=u", "rtmp://h/live", "key", "live", "key", "authmod=adobe&user=u"),
        ] as [(String, String, String, String, String, String)]
    )
    func addresses(
        app: String,
        tcURL: String,
        name: String,
        expectedApp: String,
        expectedKey: String,
        expectedQuery: String
    ) throws {
        var (machine, _) = try connected(AMF0Property("app", .string(app)), AMF0Property("tcUrl", .string(tcURL)))
        _ = try machine.command(.string("createStream"), .number(2), .null)
        let effects = try machine.command(.string("publish"), .number(3), .null, .string(name), stream: 1)
        let request = try #require(effects.request)
        #expect(request.app == expectedApp)
        #expect(request.streamKey.revealed == expectedKey)
        #expect(request.query.revealed == expectedQuery)
    }

    @Test("connect without an object, and with tcurl in small letters")
    func oddConnects() throws {
        var bare = RTMPConnectionStateMachine()
        #expect(try bare.command(.string("connect"), .number(1)).sent.last?.code == "NetConnection.Connect.Success")
        var (machine, _) = try connected(AMF0Property("tcurl", .string("rtmp://h/live")))
        let effects = try machine.command(.string("publish"), .number(3), .null, .string("k"), stream: 1)
        #expect(effects.request?.app == "live", "and publish without createStream, as some hardware does")
    }

    @Test(
        "publish on message stream 0 is taken, as some hardware does it",
        arguments: ["live", "record", "append", "odd"]
    )
    func publishOnZero(type: String) throws {
        var (machine, _) = try connected(AMF0Property("app", .string("live")))
        let publish = try machine.command(.string("publish"), .number(0), .null, .string("k"), .string(type))
        #expect(publish.request != nil)
        _ = machine.authorized(.allow(PublishGrant(main)))
        let started = machine.claimed()
        #expect(started.begins == main)
        #expect(started.sent.last?.stream == 0)
    }

    // MARK: - Capabilities (Enhanced RTMP v2)

    @Test("a client of plain RTMP gets the plain reply")
    func plainReply() throws {
        let reply = try #require(try connected(AMF0Property("app", .string("live"))).1.last)
        #expect(reply.values.last?.properties?.map(\.name) == ["level", "code", "description", "objectEncoding"])
        #expect(reply.values[2].properties?.map(\.name) == ["fmsVer", "capabilities", "mode"])
    }

    @Test(
        "a client that speaks of Enhanced RTMP in any way is told what this server understands",
        arguments: [
            AMF0Property("fourCcList", .strictArray([.string("hvc1")])),
            AMF0Property("fourCcList", .strictArray([.string("*")])),
            AMF0Property("capsEx", .number(1)), AMF0Property("videoFourCcInfoMap", .object([])),
            AMF0Property("audioFourCcInfoMap", .ecmaArray([])),
        ]
    )
    func enhancedReply(property: AMF0Property) throws {
        let reply = try #require(try connected(AMF0Property("app", .string("live")), property).1.last)
        let information = try #require(reply.values.last)
        #expect(information["code"]?.string == "NetConnection.Connect.Success")
        #expect(information["capsEx"]?.number == 15)
        guard case .strictArray(let list) = information["fourCcList"] else {
            Issue.record("no fourCcList")
            return
        }
        let codecs = ["avc1", "hvc1", "av01", "vp09", "mp4a", "Opus", "fLaC", "ac-3", "ec-3", ".mp3"]
        #expect(list.compactMap(\.string) == codecs)
        #expect(information["videoFourCcInfoMap"]?["av01"]?.number == 4)
        #expect(information["audioFourCcInfoMap"]?["Opus"]?.number == 4)
    }

    @Test("capabilities of any value are no fault", arguments: [-1, .nan, .infinity, 1e300, 0.5, 255])
    func oddCapabilities(value: Double) throws {
        #expect(try connected(AMF0Property("capsEx", .number(value))).1.last?.code == "NetConnection.Connect.Success")
    }

    // MARK: - Draining

    @Test("a publisher that can move is asked to, once; it goes on until it leaves, and then nobody may publish")
    func drainCapable() throws {
        var (machine, _) = try connected(AMF0Property("app", .string("live")), AMF0Property("capsEx", .number(1)))
        _ = try machine.command(.string("publish"), .number(3), .null, .string("k"), stream: 1)
        _ = machine.authorized(.allow(PublishGrant(main)))
        _ = machine.claimed()
        let asked = machine.drain(DrainRequest(tcURL: "rtmp://other/live")).sent
        #expect(asked.map(\.code) == ["NetConnection.Connect.ReconnectRequest"])
        #expect(asked[0].stream == 0 && asked[0].level == "status")
        #expect(asked[0].values[1].number == 0)
        #expect(asked[0].values.last?["tcUrl"]?.string == "rtmp://other/live")
        #expect(machine.drain(DrainRequest(tcURL: nil)).isEmpty)
        let left = try machine.command(.string("FCUnpublish"), .number(4), .null)
        #expect(left.endsPublish == .clean)
        #expect(left.closes == .drained)
    }

    @Test("a publisher that cannot move is left alone, one that is just starting is asked when it has started")
    func drainOthers() throws {
        var plain = try RTMPConnectionStateMachine.publishing(main)
        #expect(plain.drain(DrainRequest(tcURL: nil)).isEmpty)
        #expect(try plain.command(.string("deleteStream"), .number(0), .null, .number(1)).closes == .drained)

        var (starting, _) = try connected(AMF0Property("capsEx", .number(15)))
        _ = try starting.command(.string("publish"), .number(3), .null, .string("k"), stream: 1)
        #expect(starting.drain(DrainRequest(tcURL: nil)).isEmpty)
        _ = starting.authorized(.allow(PublishGrant(main)))
        #expect(starting.claimed().sent.last?.code == "NetConnection.Connect.ReconnectRequest")

        var (idle, _) = try connected()
        #expect(idle.drain(DrainRequest(tcURL: nil)).closes == .drained)
    }

    // MARK: - Replies

    @Test("FMLE, which announces its publish, is told of it in FMS's way; others are not")
    func announcedPublish() throws {
        var (machine, _) = try connected()
        #expect(try machine.command(.string("FCPublish"), .number(2), .null, .string("k")).sent.count == 1)
        _ = try machine.command(.string("publish"), .number(3), .null, .string("k"), stream: 1)
        _ = machine.authorized(.allow(PublishGrant(main)))
        let started = machine.claimed().sent.compactMap { $0.values.first?.string }
        #expect(started == ["onFCPublish", "onStatus"])
        let ended = try machine.command(.string("FCUnpublish"), .number(4), .null, .string("k")).sent
        #expect(ended.compactMap { $0.values.first?.string } == ["onFCUnpublish", "onStatus"])
        // And it may publish again on the same connection.
        #expect(try machine.command(.string("publish"), .number(5), .null, .string("k"), stream: 1).request != nil)
    }

    @Test("control messages count on whatever stream they come (§5.4), and their short forms do no harm")
    func controlMessages() throws {
        var machine = try RTMPConnectionStateMachine.publishing(main)
        func control(_ type: UInt8, _ body: [UInt8]) throws -> [RTMPConnectionStateMachine.Effect] {
            let message = RTMPMessage(
                chunkStreamID: 9,
                timestamp: 5,
                typeID: type,
                messageStreamID: 1,
                payload: ByteBuffer(bytes: body)
            )
            guard case .perform(let effects) = try machine.receive(message) else { return [] }
            return effects
        }
        guard case .setWindow(1000) = try control(5, [0, 0, 3, 0xE8]).first else {
            Issue.record("no window")
            return
        }
        #expect(try control(5, [1]).isEmpty && control(3, [0, 0, 0, 9]).isEmpty && control(3, []).isEmpty)
        // §5.4.5: a bandwidth that is not our window is answered with our window.
        #expect(try control(6, [0, 0, 0, 9, 2]).sent.map(\.type) == [5])
        #expect(try control(6, [0, 0x26, 0x25, 0xA0, 2]).isEmpty)
        for type in [16, 19, 21, 99] as [UInt8] { #expect(try control(type, [0]).sent.isEmpty) }
    }

    // MARK: - Messages in messages

    private func aggregate(
        _ parts: [(type: UInt8, timestamp: UInt32, payload: [UInt8])],
        at timestamp: UInt32
    ) -> RTMPMessage {
        var body: [UInt8] = []
        for part in parts {
            let length = UInt32(part.payload.count)
            body += [part.type, UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)]
            body += [16, 8, 0].map { UInt8(truncatingIfNeeded: part.timestamp >> $0) }
            body += [UInt8(part.timestamp >> 24), 0, 0, 7] + part.payload + [0, 0, 0, UInt8(11 + length)]
        }
        return RTMPMessage(
            chunkStreamID: 4,
            timestamp: timestamp,
            typeID: 22,
            messageStreamID: 1,
            payload: ByteBuffer(bytes: body)
        )
    }

    @Test("an aggregate's parts keep their distance from the first, on the aggregate's clock and stream (§7.1.6)")
    func aggregates() {
        let message = aggregate([(8, 0xFFFF_FFF0, [1, 2]), (9, 0xFFFF_FFFF, [3]), (18, 5, [])], at: 1000)
        let parts = Array(AggregateMessage(message))
        #expect(parts.map(\.typeID) == [8, 9, 18])
        #expect(parts.map(\.timestamp) == [1000, 1015, 1021])
        #expect(parts.map(\.messageStreamID) == [1, 1, 1])
        #expect(parts.map { Array($0.payload.readableBytesView) } == [[1, 2], [3], []])
    }

    @Test("an aggregate may lack its last back pointer; one cut anywhere gives the parts that are whole")
    func cutAggregates() {
        let whole = aggregate([(8, 0, [1, 2]), (9, 1, [3])], at: 0)
        for length in 0..<whole.payload.readableBytes {
            var cut = whole
            cut.payload = whole.payload.getSlice(at: 0, length: length) ?? ByteBuffer()
            let expected = length >= 11 + 2 + 4 + 11 + 1 ? 2 : length >= 11 + 2 ? 1 : 0
            #expect(Array(AggregateMessage(cut)).count == expected, "\(length)")
        }
    }

    @Test("commands and aggregates inside an aggregate are left out")
    func nestedAggregates() {
        let message = aggregate([(22, 0, [8, 0, 0, 0]), (20, 0, [2, 0, 0]), (8, 7, [1])], at: 0)
        #expect(Array(AggregateMessage(message)).map(\.typeID) == [8])
    }

    // MARK: - Data

    private func data(_ values: AMF0Value..., type: UInt8 = 18) -> DataMessage {
        var body = ByteBuffer()
        if type == 15 { body.writeInteger(UInt8(0)) }
        body.writeAMF0(values)
        return DataMessage(
            RTMPMessage(chunkStreamID: 4, timestamp: 0, typeID: type, messageStreamID: 1, payload: body)
        )
    }

    @Test(
        "metadata names the encoder in one printable line, bare or wrapped, as an object or an array",
        arguments: [18, 15] as [UInt8]
    )
    func metadata(type: UInt8) {
        let properties = [
            AMF0Property("width", .string("huge")), AMF0Property("encoder", .string("obs\n\u{1B}[31mroot")),
        ]
        let expected = DataMessage.metadata(encoder: "obs??[31mroot")
        #expect(data(.string("@setDataFrame"), .string("onMetaData"), .ecmaArray(properties), type: type) == expected)
        #expect(data(.string("onMetaData"), .object(properties), type: type) == expected)
        #expect(data(.string("onMetaData"), .null, .object(properties), type: type) == expected)
        #expect(data(.string("onMetaData"), type: type) == .metadata(encoder: nil))
    }

    @Test("what is said at a moment is kept as JSON")
    func timed() {
        let object = AMF0Value.object([
            AMF0Property("text", .string("a \"b\"")), AMF0Property("n", .number(1.5)),
            AMF0Property("whole", .number(7)),
            AMF0Property("nan", .number(.nan)), AMF0Property("on", .boolean(true)), AMF0Property("none", .undefined),
            AMF0Property("list", .strictArray([.date(milliseconds: 1000, timeZone: 0), .xmlDocument("<x/>")])),
        ])
        let json = #"{"text":"a \"b\"","n":1.5,"whole":7,"nan":null,"on":true,"none":null,"list":[1000,"<x/>"]}"#
        #expect(data(.string("onTextData"), object) == .timed(name: "onTextData", json: json))
        #expect(
            data(.string("@setDataFrame"), .string("onCuePoint"), .number(1), .null)
                == .timed(name: "onCuePoint", json: "[1,null]")
        )
        #expect(data(.string("onFI")) == .timed(name: "onFI", json: "[]"))
    }

    @Test("data that means nothing to viewers, is broken or too long is left out in words")
    func ignoredData() {
        func isIgnored(_ message: DataMessage) -> Bool { if case .ignored = message { true } else { false } }
        #expect(isIgnored(data(.string("|RtmpSampleAccess"), .boolean(true), .boolean(true))))
        #expect(isIgnored(data(.string("@clearDataFrame"), .string("onMetaData"))))
        #expect(isIgnored(data(.number(1))) && isIgnored(data()))
        #expect(isIgnored(data(.string("onTextData"), .string(String(repeating: "x", count: 20_000)))))
        #expect(isIgnored(data(.string("onTextData"), .string(String(repeating: "x", count: 65_536)))))
        let broken = RTMPMessage(
            chunkStreamID: 4,
            timestamp: 0,
            typeID: 18,
            messageStreamID: 1,
            payload: ByteBuffer(bytes: [2, 0, 9])
        )
        #expect(isIgnored(DataMessage(broken)))
    }
}
