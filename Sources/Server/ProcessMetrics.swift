import CoreMetrics
import Foundation
import Glibc

/// What Prometheus' own clients tell of a process, read when somebody asks.
struct ProcessMetrics: Sendable {
    static let help = [
        "process.cpu_seconds": "processor time of this process",
        "process.resident_memory_bytes": "memory of this process that is in use",
        "process.open_fds": "open files and sockets of this process",
        "process.start_time_seconds": "when this process began, in seconds since 1970",
    ]

    private let processorSeconds: Recorder
    private let residentBytes: Recorder
    private let openFiles: Recorder

    init(_ factory: any MetricsFactory, startedAt: Date) {
        func gauge(_ label: String) -> Recorder { Recorder(label: label, aggregate: false, factory: factory) }
        processorSeconds = gauge("process.cpu_seconds")
        residentBytes = gauge("process.resident_memory_bytes")
        openFiles = gauge("process.open_fds")
        gauge("process.start_time_seconds").record(startedAt.timeIntervalSince1970)
    }

    /// Reads the values anew.
    func update() {
        var usage = rusage()
        if getrusage(__rusage_who_t(0), &usage) == 0 {
            let user = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1_000_000
            let system = Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) / 1_000_000
            processorSeconds.record(user + system)
        }
        if let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " "),
            pages.count > 1, let resident = Int64(pages[1])
        {
            residentBytes.record(resident * Int64(sysconf(Int32(_SC_PAGESIZE))))
        }
        if let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            openFiles.record(files.count)
        }
    }
}
