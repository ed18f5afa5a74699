import LiveStore
import NIOCore

extension Router {
    /// The playlist of a form, made of the stored one and kept beside it.
    ///
    /// - Parameters:
    ///   - playlist: the stored playlist.
    ///   - form: the form.
    ///   - initialization: the initialization segment of what the playlist lists last.
    /// - Returns: the playlist.
    /// - Throws: ``FormRefusal`` when that media cannot be had in this form.
    func playlist(
        _ playlist: StoredResource,
        as form: MediaForm,
        _ initialization: () -> StoredResource?
    ) throws(FormRefusal) -> StoredResource {
        guard form != .stored else { return playlist }
        return try playlist.variant(form.derivedForm) { playlist throws(FormRefusal) in
            guard let remuxer, let body = initialization()?.body else {
                throw FormRefusal(reason: "Nothing is live yet.")
            }
            try check(body, for: form, remuxer)
            return playlist.rewriting(form.derivedForm) { PlaylistForm.rewrite($0, as: form) }
        }
    }

    private func check(
        _ initialization: ByteBuffer,
        for form: MediaForm,
        _ remuxer: any MediaRemuxer
    ) throws(FormRefusal) {
        var reason: String?
        switch form {
        case .stored: break
        case .transportStream: reason = remuxer.transportStreamRefusal(of: initialization)
        case .sound:
            do { _ = try remuxer.soundInitialization(initialization) } catch { reason = "\(error)" }
        }
        if let reason { throw FormRefusal(reason: "This live cannot be had \(form.words): \(reason).") }
    }
}
