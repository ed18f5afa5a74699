import MediaCore
import NIOCore
import NIOHTTP1
import Recordings

/// `/api/v1/recordings/ID/clips`: pieces of what was recorded, or is being recorded.
extension OperatorAPI {
    /// How long a program waits for a clip: links take milliseconds; where media has to be copied, it takes its time.
    private static let longestClip = TimeAmount.seconds(60)

    /// Makes a clip.
    func makeClip(
        of id: RecordingID,
        _ content: RequestContent,
        _ headers: HTTPHeaders,
        _ media: RecordedMedia
    ) -> Router.Reply {
        guarded(headers) {
            guard let recording = media.catalog[id], let exporter = media.exporter else {
                return .response(.problem(.notFound, "There is no such recording, or no longer."))
            }
            let clip: ClipRequest
            do throws(RequestDocument.Fault) {
                clip = try ClipRequest(RequestDocument(content.body, headers))
            } catch {
                return .response(error.response)
            }
            let commission = Commission<RecordingExport<Recording>>(
                longest: Self.longestClip,
                begin: { exporter.makeClip(of: recording, clip.span, title: clip.title, $0) },
                expiry: { .early("its media is being copied: it will be in the list of recordings") }
            )
            return .commission(commission.map { Self.reply($0, media) })
        }
    }

    private static func reply(_ export: RecordingExport<Recording>, _ media: RecordedMedia) -> Router.Reply {
        switch export {
        case .made(let clip):
            media.consulting(on: .operators) {
                var fields = HeaderFields()
                fields.forbidStoring()
                fields.add("Location", "/api/v1/recordings/\(clip.id)")
                return .response(Response(.created, .json, RecordingDocument(clip).json.text + "\n", fields))
            }
        case .absent(let reason): .response(.problem(.unprocessableEntity, "There is no such clip: \(reason)."))
        case .early(let reason): .response(.problem(.serviceUnavailable, "The clip is not there yet: \(reason)."))
        case .failed(let reason): .response(.problem(.serviceUnavailable, "The clip was not made: \(reason)."))
        }
    }
}

/// What a clip is to be.
struct ClipRequest: Hashable, Sendable {
    /// The latest time that is taken, in seconds: 115 days.
    private static let latest = 1e7

    /// The piece, counted from the beginning of the recording.
    let span: Range<MediaTime>
    let title: String?

    /// Reads a document.
    init(_ document: consuming RequestDocument) throws(RequestDocument.Fault) {
        let start = try Self.time("start", in: &document)
        let end = try Self.time("end", in: &document)
        guard start < end else { throw .member(name: "end", reason: "expected more than start") }
        span = start..<end
        title = try document.title()
        try document.end()
    }

    private static func time(
        _ name: String,
        in document: inout RequestDocument
    ) throws(RequestDocument.Fault) -> MediaTime {
        guard let seconds = try document.number(name), (0...latest).contains(seconds) else {
            throw .member(name: name, reason: "expected a number of seconds, 0 or more")
        }
        return .seconds(seconds)
    }
}

extension RequestDocument {
    /// Takes the title of a recording; `nil` when it is not there.
    mutating func title() throws(Fault) -> String? {
        guard let text = try string("title") else { return nil }
        do throws(RecordingTitle.Fault) {
            return try RecordingTitle.title(text)
        } catch {
            throw .member(name: "title", reason: "\(error)")
        }
    }
}
