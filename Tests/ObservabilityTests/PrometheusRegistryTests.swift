import CoreMetrics
import TestSupport
import Testing

@testable import Observability

@Suite("Prometheus' text format")
struct PrometheusRegistryTests {
    @Test("counters, gauges and histograms are written by name, with help, type and escaped dimensions")
    func text() {
        let registry = PrometheusRegistry(help: ["b.requests": "requests\nby \\kind"])
        Counter(label: "b.requests", dimensions: [("kind", "a\"b\\c")], factory: registry).increment(by: 3)
        Counter(label: "b.requests", dimensions: [("kind", "a\"b\\c")], factory: registry).increment()
        let meter = Meter(label: "a.open_files", factory: registry)
        meter.increment(by: 5)
        meter.decrement(by: 1.5)
        let timer = Timer(label: "c.duration_seconds", factory: registry)
        timer.recordMilliseconds(3)
        timer.recordSeconds(100)
        let lines = registry.text.split(separator: "\n").map(String.init)
        #expect(
            lines.prefix(5) == [
                "# TYPE a_open_files gauge", "a_open_files 3.5",
                "# HELP b_requests_total requests\\nby \\\\kind", "# TYPE b_requests_total counter",
                #"b_requests_total{kind="a\"b\\c"} 4"#,
            ]
        )
        #expect(lines.contains("# TYPE c_duration_seconds histogram"))
        #expect(lines.contains(#"c_duration_seconds_bucket{le="0.001"} 0"#))
        #expect(lines.contains(#"c_duration_seconds_bucket{le="0.005"} 1"#))
        #expect(lines.contains(#"c_duration_seconds_bucket{le="30"} 1"#))
        #expect(lines.contains(#"c_duration_seconds_bucket{le="+Inf"} 2"#))
        #expect(lines.contains("c_duration_seconds_sum 100.003") && lines.contains("c_duration_seconds_count 2"))
    }

    @Test("a dimension that grows without end costs no more than its bound, and nothing else")
    func bounded() {
        let registry = PrometheusRegistry()
        for number in 0..<10_000 {
            Counter(label: "x", dimensions: [("n", "\(number)")], factory: registry).increment()
        }
        Counter(label: "y", factory: registry).increment()
        let lines = registry.text.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("x_total{") } == PrometheusRegistry.maximumSeries)
        #expect(lines.contains("y_total 1"))
    }

    @Test("a label used again with another type is read with its first one")
    func conflict() {
        let registry = PrometheusRegistry()
        Counter(label: "x", factory: registry).increment()
        Meter(label: "x", factory: registry).set(7)
        #expect(registry.text == "# TYPE x_total counter\nx_total 1\n")
    }

    @Test("counts of many threads add up")
    func threads() async {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "x", factory: registry)
        let meter = Meter(label: "y", factory: registry)
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 {
                        counter.increment()
                        meter.increment()
                    }
                }
            }
        }
        #expect(registry.text.contains("x_total 80000\n") && registry.text.contains("y 80000\n"))
    }
}
