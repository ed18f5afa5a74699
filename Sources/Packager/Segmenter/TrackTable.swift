internal import MediaCore

/// What is known of each track of a publish: a dictionary of a few entries, in the order in which they came.
///
/// A publish has two tracks, or a dozen. Comparing identifiers takes less than hashing one, and this is asked several times
/// for each access unit. Values are changed in place.
struct TrackTable<Value> {
    /// The tracks that have a value.
    private(set) var ids: [TrackID] = []
    /// Their values; `nil` only while one is being set.
    private var slots: [Value?] = []

    /// The value of a track; setting `nil` takes it out.
    subscript(id: TrackID) -> Value? {
        _read {
            if let index = index(of: id) { yield slots[index] } else { yield nil }
        }
        _modify {
            let index = index(of: id) ?? addSlot(for: id)
            defer { if slots[index] == nil { removeSlot(at: index) } }
            yield &slots[index]
        }
    }

    /// All values.
    var values: [Value] { slots.compactMap(\.self) }

    private func index(of id: TrackID) -> Int? { ids.firstIndex(of: id) }

    private mutating func addSlot(for id: TrackID) -> Int {
        ids.append(id)
        slots.append(nil)
        return slots.count - 1
    }

    private mutating func removeSlot(at index: Int) {
        ids.remove(at: index)
        slots.remove(at: index)
    }
}
