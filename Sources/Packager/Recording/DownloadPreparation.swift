public import LiveStore
internal import MediaCore
internal import NIOCore
public import Recordings
internal import Storage

extension RecordingDownload {
    /// Prepares the download of a recording, unless that has been done.
    ///
    /// Reads the headers of all fragments and writes the beginning of the file into the recording's folder, as a whole or not
    /// at all. Blocks, for about a second for each hour of the recording; what it needs of memory does not grow with that. Not
    /// to be called for the same rendition twice at a time.
    ///
    /// - Parameters:
    ///   - recording: the recording.
    ///   - rendition: which of its renditions; `nil` for the best there is.
    ///   - progress: told how much is done, from 0 to 1, now and then.
    ///   - isCancelled: asked now and then.
    /// - Returns: the download.
    /// - Throws: ``DownloadFailure``.
    @discardableResult
    public static func prepare(
        _ recording: Recording,
        rendition: Rendition.ID? = nil,
        progress: (Double) -> Void = { _ in },
        isCancelled: () -> Bool = { false }
    ) throws(DownloadFailure) -> RecordingDownload {
        let plan = try plan(recording, rendition)
        if let known = try RecordingDownload(plan) { return known }
        let preparation = try DownloadPreparation(plan)
        try preparation.run(progress, isCancelled)
        progress(1)
        guard let made = try RecordingDownload(plan) else { throw .unreadable("the recording has changed meanwhile") }
        return made
    }
}

/// Makes the beginning of a download.
struct DownloadPreparation {
    private let plan: RecordingDownload.Plan
    private let layout: DownloadLayout

    /// Decides where everything is to be.
    init(_ plan: RecordingDownload.Plan) throws(DownloadFailure) {
        self.plan = plan
        var renditions: [[SegmentLocation]] = []
        do throws(StorageFailure) {
            for id in plan.choice.renditions { renditions.append(try plan.recording.locations(in: id)) }
        } catch {
            throw .storage(error)
        }
        layout = DownloadLayout(renditions)
        guard !layout.segments.isEmpty else { throw .empty }
    }

    /// Reads the headers and writes the file.
    func run(_ progress: (Double) -> Void, _ isCancelled: () -> Bool) throws(DownloadFailure) {
        let scratch: ScratchFile
        do throws(StorageFailure) {
            scratch = try ScratchFile(in: plan.recording.folder)
        } catch {
            throw .storage(error)
        }
        var movie = ProgressiveMovie(scratch)
        try read(into: &movie, scratch, progress, isCancelled)
        guard !movie.isEmpty else { throw .empty }
        do throws(StorageFailure) {
            try write(&movie)
        } catch {
            throw .storage(error)
        }
    }

    // MARK: - Reading

    private func read(
        into movie: inout ProgressiveMovie,
        _ scratch: ScratchFile,
        _ progress: (Double) -> Void,
        _ isCancelled: () -> Bool
    ) throws(DownloadFailure) {
        var initializations: [Int: UInt32] = [:]
        for (index, segment) in layout.segments.enumerated() {
            guard !isCancelled() else { throw .cancelled }
            if let failure = scratch.failure { throw .storage(failure) }
            let id = plan.choice.renditions[segment.source]
            let number = segment.location.initialization
            do throws(FragmentHeaders.Failure) {
                if initializations[segment.source] != number {
                    try use(number, of: id, segment.source, in: &movie)
                    initializations[segment.source] = number
                }
                try read(segment, of: id, into: &movie)
            } catch {
                throw failure(error, at: segment.location, id)
            }
            progress(Double(index + 1) / Double(layout.segments.count))
        }
        if let failure = scratch.failure { throw .storage(failure) }
    }

    private func use(
        _ number: UInt32,
        of id: Rendition.ID,
        _ source: Int,
        in movie: inout ProgressiveMovie
    ) throws(FragmentHeaders.Failure) {
        do {
            guard let initialization = try plan.recording.initialization(number, of: id) else {
                throw FragmentError.unexpected("initialization segment of an unlikely size")
            }
            try movie.use(initialization, of: source)
        } catch let error as FragmentError {
            throw .fragment(error)
        } catch let error as StorageFailure {
            throw .storage(error)
        } catch {
            throw .fragment(.unexpected("\(error)"))
        }
    }

    private func read(
        _ segment: DownloadLayout.Segment,
        of id: Rendition.ID,
        into movie: inout ProgressiveMovie
    ) throws(FragmentHeaders.Failure) {
        let bytes: FileSlice?
        do throws(StorageFailure) {
            bytes = try plan.recording.segment(at: segment.location, in: id)
        } catch {
            throw .storage(error)
        }
        guard let bytes else { throw .fragment(.truncated) }
        let end = segment.position + UInt64(segment.location.length)
        try FragmentHeaders.read(of: bytes) { (moof, offset) throws(FragmentError) in
            let position = segment.position + UInt64(offset)
            try movie.append(moof, of: segment.source, at: position, endingBefore: end)
        }
    }

    private func failure(
        _ failure: FragmentHeaders.Failure,
        at location: SegmentLocation,
        _ id: Rendition.ID
    ) -> DownloadFailure {
        switch failure {
        case .storage(let failure): .storage(failure)
        case .fragment(let error):
            .unreadable("the segment at \(location.start.seconds) s of \(id) cannot be read: \(error)")
        }
    }

    // MARK: - Writing

    private func write(_ movie: inout ProgressiveMovie) throws(StorageFailure) {
        let boxes = movie.beginning(
            mediaLength: layout.length,
            cut: plan.facts.cut.map { (MediaTime(nanoseconds: $0.start), MediaTime(nanoseconds: $0.duration)) },
            ProgressiveMovie.Labels(title: plan.facts.title, createdAt: plan.facts.startedAt / 1000)
        )
        var file = try NewFile(replacing: "\(plan.recording.folder)/\(plan.name)")
        for box in boxes {
            try box.write { (bytes) throws(StorageFailure) in try file.write(bytes) }
        }
        let footer = DownloadFile.Footer(
            fingerprint: plan.fingerprint,
            beginningLength: UInt64(file.length),
            mediaLength: layout.length,
            pieceCount: UInt64(layout.pieces.count)
        )
        try DownloadFile.writeEnd(of: layout, footer, to: &file)
        try file.complete()
    }
}
