public import CoreMetrics
internal import Synchronization

/// A backend of swift-metrics that is read as Prometheus' text exposition format 0.0.4.
///
/// Labels are those of OpenTelemetry with dots, `rtmp.server.active_connections`; what is read has underscores, and counters
/// the ending `_total`. One metric has one type; a label that is used again with another type gets a handle that nobody reads.
public final class PrometheusRegistry: MetricsFactory {
    /// The upper bounds of the buckets of histograms, in the unit of what is recorded: seconds.
    public static let buckets: [Double] = [0.001, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 2, 2.5, 4, 6, 8, 10, 30]
    /// Combinations of dimensions that one metric may have: a label that grows with its input must not eat the memory.
    public static let maximumSeries = 200

    private enum Kind: String {
        case counter, gauge, histogram
    }

    private struct Family {
        let kind: Kind
        var series: [String: any Series] = [:]
    }

    private let help: [String: String]
    private let families = Mutex<[String: Family]>([:])

    /// An empty registry.
    ///
    /// - Parameter help: for each label what it measures, in a few words.
    public init(help: [String: String] = [:]) { self.help = help }

    /// The text of all metrics, by name.
    public var text: String {
        let families = families.withLock { $0.sorted { $0.key < $1.key } }
        var text = ""
        for (label, family) in families {
            let name = Self.name(label) + (family.kind == .counter ? "_total" : "")
            if let help = help[label] { text += "# HELP \(name) \(Self.escaped(help))\n" }
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (dimensions, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.write(name, dimensions, to: &text)
            }
        }
        return text
    }

    // MARK: - MetricsFactory

    /// A counter.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        handler(.counter, label, dimensions, CounterSeries.init)
    }

    /// A gauge that goes up and down.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        handler(.gauge, label, dimensions, GaugeSeries.init)
    }

    /// A histogram, or a gauge when it need not aggregate.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate
            ? handler(.histogram, label, dimensions, HistogramSeries.init)
            : handler(.gauge, label, dimensions, GaugeSeries.init)
    }

    /// A histogram in seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        handler(.histogram, label, dimensions, HistogramSeries.init)
    }

    /// Nothing: handles live as long as the process, and so do their values.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// Nothing, see ``destroyCounter(_:)``.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// Nothing, see ``destroyCounter(_:)``.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// Nothing, see ``destroyCounter(_:)``.
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func handler<Handler: Series>(
        _ kind: Kind,
        _ label: String,
        _ dimensions: [(String, String)],
        _ make: () -> Handler
    ) -> Handler {
        let key = Self.text(of: dimensions)
        return families.withLock { families in
            var family = families[label] ?? Family(kind: kind)
            if let known = family.series[key] as? Handler { return known }
            let made = make()
            guard family.kind == kind, family.series.count < Self.maximumSeries else { return made }
            family.series[key] = made
            families[label] = family
            return made
        }
    }

    // MARK: - Text

    /// `a="b",c="d"`, by name.
    private static func text(of dimensions: [(String, String)]) -> String {
        dimensions.sorted { $0.0 < $1.0 }
            .map { "\(name($0.0))=\"\(escaped($0.1).replacing("\"", with: "\\\""))\"" }
            .joined(separator: ",")
    }

    private static func name(_ label: String) -> String {
        String(label.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }
}

/// The values of one metric with one combination of dimensions.
private protocol Series: AnyObject, Sendable {
    func write(_ name: String, _ dimensions: String, to text: inout String)
}

private func line(_ name: String, _ dimensions: String, _ value: String) -> String {
    dimensions.isEmpty ? "\(name) \(value)\n" : "\(name){\(dimensions)} \(value)\n"
}

private func decimal(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    return value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : "\(value)"
}

private final class CounterSeries: CounterHandler, Series {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }

    func write(_ name: String, _ dimensions: String, to text: inout String) {
        text += line(name, dimensions, "\(value.load(ordering: .relaxed))")
    }
}

private final class GaugeSeries: MeterHandler, RecorderHandler, Series {
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }

    func write(_ name: String, _ dimensions: String, to text: inout String) {
        text += line(name, dimensions, decimal(value.withLock { $0 }))
    }
}

private final class HistogramSeries: RecorderHandler, TimerHandler, Series {
    private struct State {
        var counts = [Int](repeating: 0, count: PrometheusRegistry.buckets.count + 1)
        var sum = 0.0
    }

    private let state = Mutex(State())

    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1_000_000_000) }

    func record(_ value: Double) {
        let bucket = PrometheusRegistry.buckets.firstIndex { value <= $0 } ?? PrometheusRegistry.buckets.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    func write(_ name: String, _ dimensions: String, to text: inout String) {
        let state = state.withLock { $0 }
        let comma = dimensions.isEmpty ? "" : ","
        var count = 0
        for (index, bound) in PrometheusRegistry.buckets.enumerated() {
            count += state.counts[index]
            text += line("\(name)_bucket", "\(dimensions)\(comma)le=\"\(decimal(bound))\"", "\(count)")
        }
        count += state.counts[state.counts.count - 1]
        text += line("\(name)_bucket", "\(dimensions)\(comma)le=\"+Inf\"", "\(count)")
        text += line("\(name)_sum", dimensions, decimal(state.sum))
        text += line("\(name)_count", dimensions, "\(count)")
    }
}
