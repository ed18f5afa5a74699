import LiveStore
import NIOCore

/// Why media cannot be had in a form.
struct FormRefusal: Error, CustomStringConvertible {
    /// For whoever asked for it.
    let reason: String

    var description: String { reason }
}

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
    /// - Returns: the segment.
    /// - Throws: ``FormRefusal`` when it cannot be had in this form.
    func resource(
        _ stored: StoredResource,
        as form: MediaForm,
        of stream: LiveStream
    ) throws(FormRefusal) -> StoredResource {
        guard form != .stored else { return stored }
        return try stored.variant(form.derivedForm) { stored throws(FormRefusal) in
            guard let remuxer, let name = ResourceName(stored.name, tag: stream.tag), form.has(name.item) else {
                throw FormRefusal(reason: "There is no such segment.")
            }
            let body: ByteBuffer
            do {
                body = try make(form, of: stored, name, stream.initialization(of: name), remuxer)
            } catch {
                throw FormRefusal(reason: "This segment cannot be had \(form.words): \(error).")
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

extension Router {
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

    /// The only place where media becomes another form.
    private func make(
        _ form: MediaForm,
        of stored: StoredResource,
        _ name: ResourceName,
        _ initialization: StoredResource?,
        _ remuxer: any MediaRemuxer
    ) throws -> ByteBuffer {
        if case .initialization = name.item { return try remuxer.soundInitialization(stored.body) }
        guard let initialization = initialization?.body else {
            throw FormRefusal(reason: "its initialization segment is gone")
        }
        switch form {
        case .stored: return stored.body
        case .transportStream: return try remuxer.transportStream(of: stored.pieces, initialization: initialization)
        case .sound: return try remuxer.sound(of: stored.pieces, initialization: initialization)
        }
    }
}

extension MediaForm {
    /// How it is had, for whoever asked for it.
    fileprivate var words: String {
        switch self {
        case .stored: "as it is"
        case .transportStream: "as MPEG-TS"
        case .sound: "as sound alone"
        }
    }

    /// Whether there is something of this kind in this form.
    fileprivate func has(_ item: ResourceName.Item) -> Bool {
        if case .segment = item { return true }
        return hasParts
    }

    fileprivate func entityTag(of resource: StoredResource) -> String {
        switch self {
        case .stored: resource.entityTag
        case .transportStream: "\(resource.entityTag)-ts"
        case .sound: "\(resource.entityTag)-sound"
        }
    }
}
