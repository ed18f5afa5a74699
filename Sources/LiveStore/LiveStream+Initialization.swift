extension LiveStream {
    /// The initialization segment of the newest segment that a media playlist lists.
    public func newestInitialization(of playlist: Playlist) -> StoredResource? {
        let snapshot = snapshot
        switch playlist {
        case .multivariant: return nil
        case .media: return snapshot.window.last?.initialization
        case .rendition(let name): return snapshot.rendition(playlist: name)?.window.last?.initialization
        }
    }
}
