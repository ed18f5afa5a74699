public import NIOCore
import Synchronization

/// A body that is written over time by a task of its own, one piece at a time.
///
/// The task begins when the first piece is wanted, and is cancelled when nobody reads any more. Nothing is written ahead: whoever
/// writes waits until the connection has taken the piece before, so a slow reader costs one piece.
public final class BodyStream: Sendable {
    /// The reader is gone.
    public struct ReaderGone: Error {}

    /// Takes the pieces of a body, in order.
    public struct Writer: Sendable {
        fileprivate let stream: BodyStream

        /// Writes a piece, when the reader wants the next one.
        ///
        /// - Parameter bytes: the piece; an empty one is left out.
        /// - Throws: ``BodyStream/ReaderGone``.
        public func write(_ bytes: ByteBuffer) async throws(ReaderGone) { try await stream.put(bytes) }
    }

    /// How a piece, or the end, is taken.
    typealias Receive = @Sendable (Piece) -> Void

    /// What comes next.
    enum Piece: Sendable {
        case bytes(ByteBuffer)
        /// The body is complete.
        case end
        /// It broke off.
        case failure(any Error)
    }

    private enum State {
        case unstarted
        /// The task runs and the reader wants nothing yet.
        case busy
        /// The reader waits for the next piece.
        case wanted(Receive)
        /// A piece waits for the reader, and its writer with it.
        case offered(ByteBuffer, CheckedContinuation<Bool, Never>)
        /// The task has ended, the reader has not asked for what comes now.
        case over(Piece)
        case cancelled
    }

    private let produce: @Sendable (Writer) async throws -> Void
    private let state = Mutex(State.unstarted)
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// A body.
    ///
    /// - Parameter produce: writes it; the body is complete when this returns, and breaks off when it throws.
    public init(_ produce: @escaping @Sendable (Writer) async throws -> Void) { self.produce = produce }

    /// Asks for the next piece.
    ///
    /// Not to be called again before there is an answer, nor behind the end.
    ///
    /// - Parameter receive: called once, on any thread, unless the stream is cancelled.
    func next(_ receive: @escaping Receive) {
        enum Step {
            case start
            case give(ByteBuffer, CheckedContinuation<Bool, Never>)
            case end(Piece)
            case wait
        }
        let step = state.withLock { state -> Step in
            switch state {
            case .unstarted:
                state = .wanted(receive)
                return .start
            case .offered(let bytes, let writer):
                state = .busy
                return .give(bytes, writer)
            case .over(let piece): return .end(piece)
            case .busy, .wanted:
                state = .wanted(receive)
                return .wait
            case .cancelled: return .wait
            }
        }
        switch step {
        case .start: start()
        case .give(let bytes, let writer):
            receive(.bytes(bytes))
            writer.resume(returning: true)
        case .end(let piece): receive(piece)
        case .wait: break
        }
    }

    /// Nobody reads any more.
    func cancel() {
        let writer = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            defer { state = .cancelled }
            if case .offered(_, let writer) = state { return writer }
            return nil
        }
        writer?.resume(returning: false)
        task.withLock { $0 }?.cancel()
    }

    private func start() {
        let running = Task {
            do {
                try await produce(Writer(stream: self))
                end(.end)
            } catch {
                end(.failure(error))
            }
        }
        task.withLock { $0 = running }
        if case .cancelled = state.withLock({ $0 }) { running.cancel() }
    }

    private func put(_ bytes: ByteBuffer) async throws(ReaderGone) {
        guard bytes.readableBytes > 0 else { return }
        let isTaken = await withCheckedContinuation { continuation in
            enum Step {
                case give(Receive)
                case refuse
                case wait
            }
            let step = state.withLock { state -> Step in
                switch state {
                case .wanted(let receive):
                    state = .busy
                    return .give(receive)
                case .busy:
                    state = .offered(bytes, continuation)
                    return .wait
                case .unstarted, .offered, .over, .cancelled: return .refuse
                }
            }
            switch step {
            case .give(let receive):
                receive(.bytes(bytes))
                continuation.resume(returning: true)
            case .refuse: continuation.resume(returning: false)
            case .wait: break
            }
        }
        if !isTaken { throw ReaderGone() }
    }

    private func end(_ piece: Piece) {
        let receive = state.withLock { state -> Receive? in
            switch state {
            case .wanted(let receive):
                state = .over(piece)
                return receive
            case .cancelled: return nil
            case .unstarted, .busy, .offered, .over:
                state = .over(piece)
                return nil
            }
        }
        receive?(piece)
    }
}
