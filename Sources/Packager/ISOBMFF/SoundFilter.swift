internal import MediaCore
public import NIOCore

/// Why there is no sound to be had of stored media.
public enum SoundFilterError: Error, Hashable, CustomStringConvertible {
    /// There is no audio track.
    case noSound
    /// The stored media cannot be read.
    case unreadable(String)

    /// The problem in words.
    public var description: String {
        switch self {
        case .noSound: "there is no audio track"
        case .unreadable(let what): what
        }
    }
}

/// Makes media with the sound alone of stored media with pictures and sound, for players that want no pictures.
///
/// Times, event messages and fragment numbers stay what they are: a player that changes from one to the other misses nothing.
public struct SoundFilter {
    private let initialization: ByteBuffer
    /// The audio tracks, by track_ID.
    private let tracks: Set<UInt32>

    /// A filter for media with this initialization segment.
    ///
    /// - Throws: ``SoundFilterError`` when that has no audio track, or cannot be read.
    public init(initialization: ByteBuffer) throws(SoundFilterError) {
        self.initialization = initialization
        do throws(FragmentError) {
            tracks = try Self.audioTracks(of: initialization)
        } catch {
            throw .unreadable("\(error)")
        }
        guard !tracks.isEmpty else { throw .noSound }
    }

    private static func audioTracks(of initialization: ByteBuffer) throws(FragmentError) -> Set<UInt32> {
        var movie = try BoxReader(initialization).box("moov")
        var tracks: Set<UInt32> = []
        while let box = try movie.nextBox() {
            guard box.type == "trak" else { continue }
            let kind = try InitializationSegmentReader.kind(of: try box.payload.box("mdia"))
            if kind == .audio { tracks.insert(try InitializationSegmentReader.trackID(of: box.payload)) }
        }
        return tracks
    }

    // MARK: - Initialization segment

    /// The initialization segment of the audio tracks alone.
    ///
    /// - Throws: ``SoundFilterError/unreadable(_:)``.
    public func filteredInitialization() throws(SoundFilterError) -> ByteBuffer {
        var writer = BoxWriter(capacity: initialization.readableBytes)
        do throws(FragmentError) {
            var reader = BoxReader(initialization)
            while let box = try reader.nextBox() {
                guard box.type == "moov" else {
                    writer.copy(box.start..<box.payload.end, of: initialization)
                    continue
                }
                let content = try movie(box.payload)
                writer.box("moov") { $0.write(content) }
            }
        } catch {
            throw .unreadable("\(error)")
        }
        return writer.buffer
    }

    /// What is in `moov`, and in its `mvex`, but for other tracks.
    private func movie(_ movie: BoxReader) throws(FragmentError) -> ByteBuffer {
        var writer = BoxWriter(capacity: movie.remaining)
        var movie = movie
        while let box = try movie.nextBox() {
            switch box.type {
            case "trak" where !tracks.contains(try InitializationSegmentReader.trackID(of: box.payload)): continue
            case "mvex":
                let defaults = try defaults(box.payload)
                writer.box("mvex") { $0.write(defaults) }
            default: writer.copy(box.start..<box.payload.end, of: movie.buffer)
            }
        }
        return writer.buffer
    }

    private func defaults(_ extends: BoxReader) throws(FragmentError) -> ByteBuffer {
        var writer = BoxWriter(capacity: extends.remaining)
        var extends = extends
        while let box = try extends.nextBox() {
            var fields = box.payload
            try fields.skip(4)
            if box.type == "trex", !tracks.contains(try fields.read(UInt32.self)) { continue }
            writer.copy(box.start..<box.payload.end, of: extends.buffer)
        }
        return writer.buffer
    }

    // MARK: - Segments and parts

    /// The sound of a segment or a part.
    ///
    /// - Parameter pieces: its bytes, each piece of whole fragments.
    /// - Returns: the fragments with the samples of audio tracks alone; one without any stays, empty.
    /// - Throws: ``SoundFilterError/unreadable(_:)``.
    public func filtered(_ pieces: [ByteBuffer]) throws(SoundFilterError) -> ByteBuffer {
        var writer = BoxWriter(capacity: 1024)
        do throws(FragmentError) {
            for piece in pieces {
                var reader = BoxReader(piece)
                while let box = try reader.nextBox() {
                    switch box.type {
                    case "moof": try writeFragment(box.payload, start: box.start, to: &writer)
                    // Written with its moof.
                    case "mdat": continue
                    default: writer.copy(box.start..<box.payload.end, of: piece)
                    }
                }
            }
        } catch {
            throw .unreadable("\(error)")
        }
        return writer.buffer
    }

    /// A `moof` with its audio tracks, whose offsets are written anew, and the `mdat` that goes with it.
    private func writeFragment(_ moof: BoxReader, start: Int, to writer: inout BoxWriter) throws(FragmentError) {
        let buffer = moof.buffer
        var copied: [(range: Range<Int>, run: FragmentReader.Run?)] = []
        var moof = moof
        while let box = try moof.nextBox() {
            var run: FragmentReader.Run?
            if box.type == "traf" {
                guard tracks.contains(try FragmentReader.trackID(of: box.payload)) else { continue }
                run = try FragmentReader.run(of: box.payload)
            }
            copied.append((box.start..<box.payload.end, run))
        }
        let media = try copied.compactMap(\.run).map { run throws(FragmentError) in try Self.media(of: run, moof: start)
        }
        var dataOffset = 8 + copied.reduce(0) { $0 + $1.range.count } + 8
        var sizes = media.map(\.readableBytes)[...]
        writer.box("moof") { moof in
            for (range, run) in copied {
                guard let run else {
                    moof.copy(range, of: buffer)
                    continue
                }
                moof.copy(range.lowerBound..<run.dataOffsetIndex, of: buffer)
                moof.write(Int32(clamping: dataOffset))
                moof.copy(run.dataOffsetIndex + 4..<range.upperBound, of: buffer)
                dataOffset += sizes.popFirst() ?? 0
            }
        }
        writer.box("mdat") { mdat in for bytes in media { mdat.write(bytes) } }
    }

    /// The bytes of a run's samples, which lie one behind the other.
    private static func media(of run: FragmentReader.Run, moof: Int) throws(FragmentError) -> ByteBuffer {
        var run = run
        var size = 0
        for _ in 0..<run.count { size += try run.next().size }
        guard let bytes = run.entries.buffer.getSlice(at: moof + run.dataOffset, length: size) else { throw .truncated }
        return bytes
    }
}

extension BoxWriter {
    /// Copies bytes as they are.
    fileprivate mutating func copy(_ range: Range<Int>, of buffer: ByteBuffer) {
        if let bytes = buffer.getSlice(at: range.lowerBound, length: range.count) { write(bytes) }
    }
}
