import LiveStore
import NIOCore
import Storage
import Synchronization

/// Segments from the disk that were needed whole, in memory for those who ask next.
///
/// What is sent as it lies on the disk never comes here. What has to be made of a segment, such as its encrypted form, is
/// kept beside it (``StoredResource/variant(_:_:)``), so that a crowd that watches an hour behind costs one read and one
/// encryption. Who asks for a segment that is being read waits for the same read.
final class LoadedSegments: Sendable {
    typealias Receiver = @Sendable (Router.Loaded) -> Void

    private struct Entry {
        let resource: StoredResource
        var lastUse: Int
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var byteCount = 0
        var uses = 0
        /// Those who wait, by what is being read.
        var loads: [String: [Receiver]] = [:]
    }

    /// How many bytes are kept; a segment counts twice, for what is made of it.
    private let byteLimit: Int
    /// How many segments may be on their way from the disk at once.
    ///
    /// With ``byteLimit`` this bounds what they cost.
    private let loadLimit: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - byteLimit: how many bytes are kept: by default those of a few dozen segments.
    ///   - loadLimit: how many segments may be on their way at once.
    init(byteLimit: Int = 64 << 20, loadLimit: Int = 64) {
        self.byteLimit = byteLimit
        self.loadLimit = loadLimit
    }

    /// How many bytes are kept, counted as they are limited.
    var byteCount: Int { state.withLock { $0.byteCount } }

    /// A segment that is kept.
    subscript(key: String) -> StoredResource? {
        state.withLock { state in
            state.uses += 1
            state.entries[key]?.lastUse = state.uses
            return state.entries[key]?.resource
        }
    }

    /// Reads a segment.
    ///
    /// - Parameters:
    ///   - load: what to read.
    ///   - reader: reads it.
    ///   - receive: called once, on any thread, when it is there or cannot be read.
    /// - Returns: false when too many are on their way; then `receive` is not called.
    func load(_ load: Router.Load, by reader: DiskReader, _ receive: @escaping Receiver) -> Bool {
        let isNew: Bool? = state.withLock { state in
            if state.loads[load.key] != nil {
                state.loads[load.key]?.append(receive)
                return false
            }
            guard state.loads.count < loadLimit else { return nil }
            state.loads[load.key] = [receive]
            return true
        }
        if isNew == true { reader.read(load.slice) { self.finish(load, $0) } }
        return isNew != nil
    }

    private func finish(_ load: Router.Load, _ result: Result<ByteBuffer, any Error>) {
        let resource = try? result.map { body in
            StoredResource(kind: .mediaSegment, name: load.name, body: body, entityTag: load.entityTag)
        }.get()
        let (receivers, dropped) = state.withLock { state in
            (state.loads.removeValue(forKey: load.key) ?? [], resource.map { keep($0, for: load.key, &state) } ?? [])
        }
        // Megabytes are freed behind the lock.
        _ = consume dropped
        for receive in receivers { receive(resource.map(Router.Loaded.segment) ?? .failed) }
    }

    /// Keeps a segment, and returns those that had to go for it: what was asked for least recently.
    private func keep(_ resource: StoredResource, for key: String, _ state: inout State) -> [StoredResource] {
        guard 2 * resource.byteCount <= byteLimit else { return [] }
        var dropped: [StoredResource] = []
        if let old = state.entries.removeValue(forKey: key) {
            state.byteCount -= 2 * old.resource.byteCount
            dropped.append(old.resource)
        }
        while state.byteCount > byteLimit - 2 * resource.byteCount,
            let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            state.entries[oldest.key] = nil
            state.byteCount -= 2 * oldest.value.resource.byteCount
            dropped.append(oldest.value.resource)
        }
        state.uses += 1
        state.entries[key] = Entry(resource: resource, lastUse: state.uses)
        state.byteCount += 2 * resource.byteCount
        return dropped
    }
}
