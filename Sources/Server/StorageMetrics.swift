import CoreMetrics
import Storage

/// How the media on disk does, read when somebody asks.
struct StorageMetrics: Sendable {
    static let help = [
        "storage.disk_bytes": "bytes of media in files",
        "storage.backlog_bytes": "bytes of media that wait for the disk",
        "storage.written_bytes": "bytes of media that were ever written",
        "storage.lost_bytes": "bytes of media that the disk did not take",
        "storage.failing": "1 while the disk fails or does not keep up, else 0",
    ]

    private let onDisk: Meter
    private let backlog: Meter
    private let written: Meter
    private let lost: Meter
    private let failing: Meter

    init(_ factory: any MetricsFactory) {
        onDisk = Meter(label: "storage.disk_bytes", factory: factory)
        backlog = Meter(label: "storage.backlog_bytes", factory: factory)
        written = Meter(label: "storage.written_bytes", factory: factory)
        lost = Meter(label: "storage.lost_bytes", factory: factory)
        failing = Meter(label: "storage.failing", factory: factory)
    }

    /// Reads the values anew.
    func update(from storage: MediaStorage) {
        let figures = storage.figures
        onDisk.set(figures.bytesOnDisk)
        backlog.set(figures.backlogBytes)
        written.set(figures.bytesWritten)
        lost.set(figures.bytesLost)
        failing.set(figures.isFailing ? 1 : 0)
    }
}
