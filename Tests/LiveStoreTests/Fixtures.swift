import LiveStore
import MediaCore
import NIOCore

/// A name that is allowed.
func streamID(_ name: String) -> StreamID {
    guard let id = StreamID(name) else { preconditionFailure("\(name) is no stream name") }
    return id
}

/// A resource whose bytes are its name.
func stored(_ name: String, _ kind: StoredResource.Kind = .mediaSegment) -> StoredResource {
    StoredResource(kind: kind, name: name, body: ByteBuffer(string: name), entityTag: name)
}

/// A segment named after its number.
func segment(
    _ number: Int,
    seconds: Double = 2,
    isDiscontinuous: Bool = false,
    prefix: String = "a-",
    initialization: StoredResource? = nil
) -> MediaSegment {
    MediaSegment(
        mediaSequenceNumber: number,
        duration: .seconds(seconds),
        programDateTime: WallClockTime(milliseconds: Int64(number) * 2000),
        isIndependent: true,
        isDiscontinuous: isDiscontinuous,
        initialization: initialization ?? stored("\(prefix)init-0.mp4", .initializationSegment),
        resource: stored("\(prefix)\(number).m4s")
    )
}

let tenSeconds = LiveWindow.Limits(duration: .seconds(10), minimumSegments: 3)

extension LiveStream {
    /// Lists another segment in the way of a writer.
    func add(_ segment: MediaSegment, limits: LiveWindow.Limits = tenSeconds) {
        var next = snapshot
        next.window.append(segment, limits: limits)
        next.phase = .live
        next.targetDuration = 2
        next.mediaPlaylist = RenderedPlaylist(full: stored("media-\(segment.mediaSequenceNumber)", .mediaPlaylist))
        publish(next)
    }

    /// Ends the live in the way of a writer, with this media playlist.
    @discardableResult
    func end(with playlist: StoredResource, at now: ContinuousClock.Instant, ifRevision revision: Int) -> Bool {
        var last = snapshot
        last.mediaPlaylist = RenderedPlaylist(full: playlist)
        return end(with: last, at: now, ifRevision: revision)
    }
}
