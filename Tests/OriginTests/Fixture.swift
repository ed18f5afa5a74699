import LiveStore
import Logging
import MediaCore
import NIOCore
import NIOHTTP1

import Testing

@testable import Origin

/// A store with lives in every phase, and what a test needs to ask for them.
struct Fixture {
    let store = LiveStore()
    let segmentBody: ByteBuffer

    /// - Parameter segmentSize: bytes of each segment.
    init(segmentSize: Int = 1000) {
        segmentBody = ByteBuffer(bytes: (0..<segmentSize).map { UInt8(truncatingIfNeeded: $0) })
    }

    /// Begins a live of this name; nothing can be played yet.
    @discardableResult
    func prepare(_ name: String, tag: String = "t1") throws -> LiveStream {
        let id = try #require(StreamID(name))
        return store.begin(id, tag: tag, now: WallClockTime(milliseconds: 1_790_000_000_000)).stream
    }

    /// Begins a live of this name with one segment, `TAG-0.m4s`, and an initialization segment, `TAG-init-0.mp4`.
    @discardableResult
    func goLive(_ name: String, tag: String = "t1", targetDuration: Int = 4) throws -> LiveStream {
        let stream = try prepare(name, tag: tag)
        var snapshot = stream.snapshot
        snapshot.phase = .live
        snapshot.targetDuration = targetDuration
        snapshot.window.append(
            MediaSegment(
                mediaSequenceNumber: snapshot.window.nextMediaSequenceNumber,
                duration: .seconds(2),
                programDateTime: stream.startedAt,
                isIndependent: true,
                isDiscontinuous: false,
                initialization: resource(.initializationSegment, "\(tag)-init-0.mp4", ByteBuffer(string: "ftyp moov")),
                resource: resource(.mediaSegment, "\(tag)-0.m4s", segmentBody)
            ),
            limits: LiveWindow.Limits(duration: .seconds(30), minimumSegments: 6)
        )
        snapshot.mediaPlaylist = media("media.m3u8", "#EXTM3U\n\(tag)-0.m4s\n")
        snapshot.multivariantPlaylist = playlist(.multivariantPlaylist, "index.m3u8", "#EXTM3U\nmedia.m3u8\n")
        stream.publish(snapshot)
        return stream
    }

    /// Gives a live a further rendition, `media-1.m3u8`, whose only segment is `TAG-m1-0.m4s`.
    func addRendition(to stream: LiveStream) {
        var snapshot = stream.snapshot
        guard let like = snapshot.window.last else { return }
        var window = LiveWindow(firstMediaSequenceNumber: like.mediaSequenceNumber)
        let name = "\(stream.tag)-m1-\(like.mediaSequenceNumber).m4s"
        window.append(
            MediaSegment(
                mediaSequenceNumber: like.mediaSequenceNumber,
                duration: like.duration,
                programDateTime: like.programDateTime,
                isIndependent: true,
                isDiscontinuous: false,
                initialization: resource(
                    .initializationSegment,
                    "\(stream.tag)-m1-init-0.mp4",
                    ByteBuffer(string: "moov")
                ),
                resource: resource(.mediaSegment, name, segmentBody)
            ),
            limits: LiveWindow.Limits(duration: .seconds(30), minimumSegments: 6)
        )
        let id = Rendition.ID(.muxed, index: 1)
        snapshot.furtherRenditions[id] = Rendition(
            id: id,
            window: window,
            playlist: media("media-1.m3u8", "#EXTM3U\n\(name)\n")
        )
        stream.publish(snapshot)
    }

    /// Ends a live.
    func end(_ stream: LiveStream) {
        var (last, revision) = stream.revisedSnapshot
        last.mediaPlaylist = media("media.m3u8", "#EXTM3U\n#EXT-X-ENDLIST\n")
        for id in last.furtherRenditions.keys {
            last.furtherRenditions[id]?.playlist = media("media-1.m3u8", "#EXTM3U\n#EXT-X-ENDLIST\n")
        }
        stream.end(with: last, at: .now, ifRevision: revision)
    }

    /// A router over the store.
    func router(
        readiness: OriginServer.Readiness = .ready,
        hlsJavaScript: ByteBuffer? = nil,
        hlsAddress: String? = nil,
        rtmpPort: Int? = 1935,
        access: ViewerAccess? = nil,
        posters: LivePosters? = nil
    ) -> Router {
        let assets = AssetCatalog(hlsJavaScript: hlsJavaScript)
        return Router(
            store: store,
            assets: assets,
            pages: Pages(assets: assets, hlsAddress: hlsAddress, rtmpPort: rtmpPort),
            readiness: { readiness },
            maximumTargetLength: OriginLimits().requestTargetLength,
            access: access,
            posters: posters
        )
    }

    private func playlist(_ kind: StoredResource.Kind, _ name: String, _ text: String) -> StoredResource {
        resource(kind, name, ByteBuffer(string: text))
    }

    private func media(_ name: String, _ text: String) -> RenderedPlaylist {
        let lines = PlaylistText(.header, ByteBuffer(string: text))
        return RenderedPlaylist(full: StoredResource(playlist: name, texts: [lines], entityTag: name))
    }

    private func resource(_ kind: StoredResource.Kind, _ name: String, _ body: ByteBuffer) -> StoredResource {
        StoredResource(kind: kind, name: name, body: body, entityTag: name)
    }
}

extension Router {
    /// The answer to a request of HTTP/1.1 with a Host field.
    func answer(_ method: HTTPMethod, _ target: String, _ fields: [(String, String)] = []) -> Answer {
        let headers = HTTPHeaders([("Host", "example.org")] + fields)
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: target, headers: headers)
        return answer(head)
    }

    /// The answer to a request that waits for nothing.
    func answer(_ head: HTTPRequestHead, from peerAddress: String = "192.0.2.1") -> Answer {
        guard case .answer(let answer) = outcome(of: head, from: peerAddress, mayHold: false) else {
            preconditionFailure("held although it may not be")
        }
        return answer
    }

    /// The response to a GET.
    func get(_ target: String, _ fields: [(String, String)] = []) -> WireResponse {
        WireResponse(answer(.GET, target, fields).response)
    }
}

/// A response as a client reads it, taken apart without the code that put it together.
struct WireResponse {
    let status: Int
    let fields: [(name: String, value: String)]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    subscript(_ name: String) -> String? {
        let values = fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    init(_ response: Response) {
        status = Int(response.status.code)
        fields = Self.fields(String(buffer: response.fields))
        body = response.pieces.flatMap { Array($0.readableBytesView) }
    }

    private init(status: Int, fields: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// Every whole response in what a connection received.
    ///
    /// - Parameters:
    ///   - bytes: what was received, from a response's beginning on.
    ///   - withoutBodies: the indices of answers to HEAD.
    /// - Returns: the responses, without one that is incomplete.
    static func all(in bytes: [UInt8], withoutBodies: Set<Int> = []) -> [WireResponse] {
        var responses: [WireResponse] = []
        var rest = bytes[...]
        while let end = firstIndex(of: Array("\r\n\r\n".utf8), in: rest) {
            let lines = String(decoding: rest[..<end], as: UTF8.self)
            let statusLine = lines.prefix { $0 != "\r\n" }
            let status = Int(statusLine.split(separator: " ")[1]) ?? 0
            let fields = fields(String(lines.dropFirst(statusLine.count + 1)) + "\r\n")
            let length = fields.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) } ?? 0
            let hasBody = status != 304 && status != 204 && !withoutBodies.contains(responses.count)
            let bodyEnd = end + 4 + (hasBody ? length : 0)
            guard bodyEnd <= rest.endIndex else { break }
            responses.append(WireResponse(status: status, fields: fields, body: Array(rest[(end + 4)..<bodyEnd])))
            rest = rest[bodyEnd...]
        }
        return responses
    }

    private static func fields(_ lines: String) -> [(name: String, value: String)] {
        lines.split(separator: "\r\n").compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            return (String(line[..<colon]), String(value))
        }
    }

    private static func firstIndex(of pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= pattern.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - pattern.count)).first { bytes[$0...].starts(with: pattern) }
    }
}

extension Response {
    /// The content in one buffer, which is that of its only piece.
    var body: ByteBuffer { pieces.count == 1 ? pieces[0] : ByteBuffer(bytes: pieces.flatMap(\.readableBytesView)) }
}
