import CoreMetrics
import Recordings

/// How many recordings there are and what they take, read when somebody asks.
struct RecordingMetrics: Sendable {
    static let help = [
        "recording.count": "recordings by state",
        "recording.bytes": "bytes of media of recordings by place: on the disk, and in the store",
        "recording.pending_uploads": "recordings that are not in the store yet",
        "recording.failed_uploads": "uploads of recordings that did not succeed",
        "recording.excess_bytes": "bytes that recordings have more than they may, though none can go",
        "recording.missing_bytes": "bytes that the disk has less free than it is to have, though no recording can go",
    ]

    private let making: Meter
    private let ready: Meter
    private let onDisk: Meter
    private let inStore: Meter
    private let pending: Meter
    private let failed: Meter
    private let excess: Meter
    private let missing: Meter

    init(_ factory: any MetricsFactory) {
        func meter(_ label: String, _ dimensions: [(String, String)] = []) -> Meter {
            Meter(label: label, dimensions: dimensions, factory: factory)
        }
        making = meter("recording.count", [("state", "recording")])
        ready = meter("recording.count", [("state", "ready")])
        onDisk = meter("recording.bytes", [("place", "disk")])
        inStore = meter("recording.bytes", [("place", "store")])
        pending = meter("recording.pending_uploads")
        failed = meter("recording.failed_uploads")
        excess = meter("recording.excess_bytes")
        missing = meter("recording.missing_bytes")
    }

    /// Reads the values anew.
    func update(from catalog: RecordingCatalog, _ figures: RecordingKeeper.Figures) {
        let all = catalog.all.map(\.facts)
        func bytes(_ isCounted: (RecordingFacts) -> Bool) -> Int64 {
            all.reduce(0) { isCounted($1) ? $0 + $1.byteCount : $0 }
        }
        making.set(all.count { $0.state == .recording })
        ready.set(all.count { $0.state == .ready })
        onDisk.set(bytes { $0.droppedAt == nil })
        inStore.set(bytes { $0.uploadedAt != nil })
        pending.set(figures.pendingUploads)
        failed.set(figures.failedUploads)
        excess.set(figures.excess)
        missing.set(figures.shortage)
    }
}
