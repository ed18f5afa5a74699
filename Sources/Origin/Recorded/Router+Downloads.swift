import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1
import Recordings

// A recording as one file.
extension Router {
    /// How long a client waits for a download that is being prepared: shorter than programs and proxies usually do.
    private static let longestPreparation = TimeAmount.seconds(20)
    /// When a client is to ask again that has waited for so long, in seconds.
    private static let retrySeconds = 5

    /// Answers with a recording as one file, or the bytes of it that are asked for.
    ///
    /// - Parameters:
    ///   - id: the recording.
    ///   - query: `rendition=m1` chooses a rendition.
    ///   - headers: the request's header fields.
    /// - Returns: what to wait for; a file that has been prepared is there at once.
    func download(of id: RecordingID, _ query: String?, _ headers: HTTPHeaders) -> Reply {
        guard let exporter = recordings?.exporter, let recording = recordings?.catalog[id] else {
            return .response(.failure(.notFound, "There is no such recording, or no longer.", on: .media))
        }
        let rendition: Rendition.ID?
        do throws(QueryParameters.Fault) {
            rendition = try QueryParameters(query, names: ["rendition"])
                .value("rendition", "the name of a rendition, such as m0") { Rendition.ID($0) }
        } catch {
            return .response(.failure(.badRequest, "The parameter '\(error.name)' \(error.reason).", on: .media))
        }
        let commission = Commission<RecordingExport<RecordedFile>>(
            longest: Self.longestPreparation,
            begin: { exporter.download(of: recording, rendition: rendition, $0) },
            expiry: {
                let percent = exporter.progress(of: recording, rendition: rendition).map { Int($0 * 100) } ?? 0
                return .failed("the file is being prepared, \(percent) % is done")
            }
        )
        return .commission(commission.map { [self] in .response(download($0, of: recording.facts, headers)) })
    }

    private func download(
        _ export: RecordingExport<RecordedFile>,
        of facts: RecordingFacts,
        _ headers: HTTPHeaders
    ) -> Response {
        switch export {
        case .made(let file):
            let disposition = ContentDisposition.attachment(titled: facts.title, or: facts.id.text, ".mp4")
            let form = Representation(
                type: .mp4,
                coding: nil,
                policy: .revalidated,
                tag: "\"\(file.entityTag)\"",
                file: file.bytes,
                disposition: disposition
            )
            return counted(form.response(to: headers) { form.whole(headers) }, of: nil, .segment)
        case .absent(let reason): return .failure(.notFound, "There is no such file: \(reason).", on: .media)
        case .early(let reason): return .failure(.conflict, "There is no such file yet: \(reason).", on: .media)
        case .failed(let reason): return .later("Try again: \(reason).", seconds: Self.retrySeconds, on: .media)
        }
    }
}
