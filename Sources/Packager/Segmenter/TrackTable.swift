internal import MediaCore

/// What is known of each track of a publish: a dictionary of a few entries, in the order in which they came.
///
/// A publish has two tracks, or a dozen. Comparing identifiers takes less than hashing one, and this is asked several times
/// for each access unit. There a value is changed in place, at its index in ``values``: accessors that lend it would allocate.
struct TrackTable<Value> {
    /// The tracks that have a value.
    private(set) var ids: [TrackID] = []
    /// Their values, at the same indices.
    var values: [Value] = []

    /// The value of a track; setting `nil` takes it out.
    subscript(id: TrackID) -> Value? {
        get { index(of: id).map { values[$0] } }
        set {
            switch (index(of: id), newValue) {
            case (let index?, let value?): values[index] = value
            case (let index?, nil):
                ids.remove(at: index)
                values.remove(at: index)
            case (nil, let value?):
                ids.append(id)
                values.append(value)
            case (nil, nil): break
            }
        }
    }

    /// Where a track is.
    func index(of id: TrackID) -> Int? { ids.firstIndex(of: id) }
}
