extension LiveStream {
    /// The initialization segment that applies to a segment or a part; `nil` when that is not there.
    public func initialization(of name: ResourceName) -> StoredResource? {
        snapshot.window(of: name.rendition)?.initialization(for: name.item)
    }

    /// The initialization segment of the newest segment that a media playlist lists.
    public func newestInitialization(of playlist: Playlist) -> StoredResource? {
        let snapshot = snapshot
        switch playlist {
        case .multivariant: return nil
        case .media: return snapshot.window.segments.last?.initialization
        case .rendition(let name): return snapshot.rendition(playlist: name)?.window.segments.last?.initialization
        }
    }
}

extension LiveWindow {
    /// What EXT-X-MAP names for a segment or a part.
    fileprivate func initialization(for item: ResourceName.Item) -> StoredResource? {
        switch item {
        case .initialization: nil
        case .segment(let number): segment(number)?.initialization
        case .part(let number, _):
            unfinished?.mediaSequenceNumber == number ? unfinished?.initialization : segment(number)?.initialization
        }
    }
}
