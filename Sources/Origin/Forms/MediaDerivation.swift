import LiveStore
import NIOCore

/// Why media cannot be had in a form.
struct FormRefusal: Error, CustomStringConvertible {
    /// For whoever asked for it.
    let reason: String

    var description: String { reason }
}

/// What is made of stored media before it is sent: first another form, then the encrypted one.
///
/// The only place where that happens. What was made is kept beside what it was made of.
struct MediaDerivation: Sendable {
    let form: MediaForm
    private let remuxer: (any MediaRemuxer)?
    private let encryption: SegmentEncryption?
    private let tag: String
    private let targetDuration: Int

    /// What is made of the media of a live.
    init(
        _ form: MediaForm,
        by remuxer: (any MediaRemuxer)?,
        _ encryption: SegmentEncryption?,
        of stream: LiveStream
    ) {
        self.form = form
        self.remuxer = remuxer
        tag = stream.tag
        let targetDuration = encryption == nil ? nil : stream.snapshot.targetDuration
        self.encryption = targetDuration == nil ? nil : encryption
        self.targetDuration = targetDuration ?? 1
    }

    /// Whether segments are sent as they are stored.
    var isIdentity: Bool { form == .stored && encryption == nil }

    /// The entity tag of what is made of a segment, from that of the segment; both without quotes.
    func entityTag(of stored: String) -> String {
        let made = form == .stored ? stored : "\(stored)-\(form.derivedForm)"
        return encryption == nil ? made : SegmentEncryption.entityTag(of: made)
    }

    /// Makes what is sent.
    ///
    /// - Parameters:
    ///   - stored: a segment, a part or an initialization segment.
    ///   - initialization: the initialization segment that applies to it, unless it is one.
    /// - Returns: what is sent instead.
    /// - Throws: ``FormRefusal`` when it cannot be had in this form.
    func derive(
        _ stored: StoredResource,
        _ initialization: StoredResource?
    ) throws(FormRefusal) -> StoredResource {
        let made = try remuxed(stored, initialization)
        return encryption?.encrypted(made, tag: tag, targetDuration: targetDuration) ?? made
    }

    private func remuxed(
        _ stored: StoredResource,
        _ initialization: StoredResource?
    ) throws(FormRefusal) -> StoredResource {
        guard form != .stored else { return stored }
        return try stored.variant(form.derivedForm) { stored throws(FormRefusal) in
            guard let remuxer, let name = ResourceName(stored.name, tag: tag), form.has(name.item) else {
                throw FormRefusal(reason: "There is no such segment.")
            }
            let body: ByteBuffer
            do {
                body = try make(of: stored, name.item, initialization, remuxer)
            } catch {
                throw FormRefusal(reason: "This segment cannot be had \(form.words): \(error).")
            }
            return StoredResource(
                kind: stored.kind,
                name: stored.name,
                body: body,
                entityTag: "\(stored.entityTag)-\(form.derivedForm)"
            )
        }
    }

    private func make(
        of stored: StoredResource,
        _ item: ResourceName.Item,
        _ initialization: StoredResource?,
        _ remuxer: any MediaRemuxer
    ) throws -> ByteBuffer {
        if case .initialization = item { return try remuxer.soundInitialization(stored.body) }
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
    /// Whether there is something of this kind in this form.
    fileprivate func has(_ item: ResourceName.Item) -> Bool {
        if case .segment = item { return true }
        return hasParts
    }
}
