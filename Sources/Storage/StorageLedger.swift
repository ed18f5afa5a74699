import NIOCore

/// What lies on the disk and what waits for it, and what follows: decided from what happened, without I/O.
///
/// Storage is in trouble in two ways that come and go apart from each other. The disk *fails* from the first write that went
/// wrong to the first that succeeds again; in between it is tried once an interval. The backlog is *overrun* from the first
/// bytes that found no room in it until it has shrunk to half of what it may be. Either is told once when it begins and once
/// when it is over.
struct StorageLedger {
    /// What the log is to say.
    enum Notice: Hashable {
        /// The backlog is full: what comes now is lost.
        case overrun
        /// There is room in the backlog again.
        case caughtUp
        /// A write went wrong.
        case failing
        /// A write succeeded again.
        case recovered
    }

    private(set) var figures = MediaStorage.Figures()
    private let limits: StorageLimits
    private var isOverrun = false
    /// When a disk that failed is tried again; `nil` while it works.
    private var retryTime: NIODeadline?

    /// Nothing yet.
    init(limits: StorageLimits) { self.limits = limits }

    /// Bytes are to be written.
    ///
    /// - Returns: whether there is room for them in the backlog, and what is to be said.
    mutating func offered(_ byteCount: Int) -> (isTaken: Bool, notice: Notice?) {
        guard byteCount <= limits.backlog - figures.backlogBytes else {
            figures.bytesLost += byteCount
            defer { note(isOverrun: true) }
            return (false, isOverrun ? nil : .overrun)
        }
        figures.backlogBytes += byteCount
        return (true, nil)
    }

    /// Whether the disk is to be tried now.
    func mayWrite(now: NIODeadline) -> Bool { retryTime.map { now >= $0 } ?? true }

    /// Bytes of the backlog lie on the disk.
    mutating func wrote(_ byteCount: Int) -> [Notice] {
        figures.bytesWritten += byteCount
        figures.bytesOnDisk += byteCount
        let hasRecovered = retryTime != nil
        retryTime = nil
        return (hasRecovered ? [.recovered] : []) + left(byteCount)
    }

    /// Bytes of the backlog could not be written.
    mutating func failed(_ byteCount: Int, now: NIODeadline) -> [Notice] {
        figures.bytesLost += byteCount
        let isNews = retryTime == nil
        retryTime = now + limits.retryInterval
        return (isNews ? [.failing] : []) + left(byteCount)
    }

    /// Bytes of the backlog were given up: the disk is not to be tried yet, or storage has shut down.
    mutating func gaveUp(_ byteCount: Int) -> [Notice] {
        figures.bytesLost += byteCount
        return left(byteCount)
    }

    /// A file with so many bytes is gone.
    mutating func removed(_ byteCount: Int) { figures.bytesOnDisk -= byteCount }

    private mutating func left(_ byteCount: Int) -> [Notice] {
        figures.backlogBytes -= byteCount
        let hasCaughtUp = isOverrun && figures.backlogBytes <= limits.backlog / 2
        note(isOverrun: isOverrun && !hasCaughtUp)
        return hasCaughtUp ? [.caughtUp] : []
    }

    private mutating func note(isOverrun: Bool) {
        self.isOverrun = isOverrun
        figures.isFailing = isOverrun || retryTime != nil
    }
}
