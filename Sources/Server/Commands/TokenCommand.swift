import ArgumentParser
import Foundation
import MediaCore
import NIOCore
import Origin

/// `lyceum token`: makes links for viewers.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Makes a link with which viewers watch a live, where LYCEUM_PLAYBACK=tokens.",
        discussion: """
            The link is good for one live until its time is over, on the server that uses the same data folder or the same \
            LYCEUM_TOKEN_SECRET. It cannot be called back; remove playback-key from the data folder and restart the \
            server to make all links void.
            """
    )

    @Argument(help: "The stream's name.") var name: String
    @Option(name: .customLong("for"), help: "How long the link is good: 90s, 30m, 12h or 7d.") var time = "12h"
    @Option(help: "The only IP address that it is good for.") var address: String?
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        guard let stream = StreamID(name) else {
            throw ValidationError("'\(name)' is no stream name: expected 1 to 64 letters, digits, '-', '_' or '.'")
        }
        guard let seconds = Self.seconds(time) else {
            throw ValidationError("'\(time)' is no time: expected a number with s, m, h or d, up to 366d")
        }
        let address = try address.map { text in
            guard let address = try? SocketAddress(ipAddress: text, port: 0).ipAddress else {
                throw ValidationError("'\(text)' is no IP address")
            }
            return address
        }
        let (_, configuration) = try await options.load(environment: ProcessInfo.processInfo.environment)
        let file = SecretFile.playbackKey(dataDirectory: configuration.dataDirectory)
        let key: Secret
        do throws(SecretFile.Failure) {
            key = if let secret = configuration.tokenSecret { secret } else { try file.load() }
        } catch {
            Terminal.complain("\(error)")
            throw ExitCode.unavailable
        }
        let end = Int(Date().timeIntervalSince1970) + seconds
        let token = PlaybackToken(stream: stream, end: end, address: address).text(key: key)
        Terminal.say("/t/\(token)/watch/\(stream)")
        Terminal.say("/t/\(token)/live/\(stream)/index.m3u8")
        if configuration.playback == .open { Terminal.complain("LYCEUM_PLAYBACK is open: everybody may watch anyway") }
    }

    private static func seconds(_ text: String) -> Int? {
        let units = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = units[String(text.suffix(1))], let count = Int(text.dropLast()), count > 0,
            count <= 366 * 86_400 / unit
        else { return nil }
        return count * unit
    }
}
