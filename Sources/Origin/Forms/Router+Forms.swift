import LiveStore
import NIOCore

/// Why media cannot be had in a form.
struct FormRefusal: Error {
    /// For whoever asked for it.
    let reason: String
}

extension Router {
    /// The playlist of a form, made of the stored one and kept beside it.
    ///
    /// - Parameters:
    ///   - playlist: the stored playlist.
    ///   - form: the form.
    ///   - initialization: the initialization segment of what the playlist lists last.
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
            if form == .transportStream, let reason = remuxer.transportStreamRefusal(of: body) {
                throw FormRefusal(reason: "This live cannot be had as MPEG-TS: \(reason).")
            }
            return StoredResource(
                kind: playlist.kind,
                name: playlist.name,
                body: PlaylistForm.rewrite(playlist.body, as: form),
                entityTag: form.entityTag(of: playlist)
            )
        }
    }

    /// A segment in a form, made of the stored one and kept beside it.
    ///
    /// - Parameters:
    ///   - stored: the stored segment.
    ///   - form: the form.
    ///   - stream: the live that it is of.
    /// - Throws: ``FormRefusal`` when it cannot be had in this form.
    func resource(
        _ stored: StoredResource,
        as form: MediaForm,
        of stream: LiveStream
    ) throws(FormRefusal) -> StoredResource {
        guard form != .stored else { return stored }
        return try stored.variant(form.derivedForm) { stored throws(FormRefusal) in
            guard let remuxer, let name = ResourceName(stored.name, tag: stream.tag), form.has(name.item),
                let initialization = stream.initialization(of: name)?.body
            else { throw FormRefusal(reason: "There is no such segment.") }
            let body: ByteBuffer
            do {
                body = try remuxer.transportStream(of: stored.pieces, initialization: initialization)
            } catch {
                throw FormRefusal(reason: "This segment cannot be had as MPEG-TS: \(error).")
            }
            return StoredResource(
                kind: stored.kind,
                name: stored.name,
                body: body,
                entityTag: form.entityTag(of: stored)
            )
        }
    }
}

extension MediaForm {
    /// Whether there is something of this kind in this form.
    fileprivate func has(_ item: ResourceName.Item) -> Bool {
        if case .segment = item { return true }
        return hasParts
    }

    fileprivate func entityTag(of resource: StoredResource) -> String {
        switch self {
        case .stored: resource.entityTag
        case .transportStream: "\(resource.entityTag)-ts"
        }
    }
}
