/// How often something may be done: so many times at once, won back evenly over a window.
///
/// What people do by hand stays far below the numbers.
public struct RateLimitClass: Sendable, Hashable {
    /// Whose uses are counted together.
    public enum Subject: Sendable, Hashable {
        /// The account, the API token or, for visitors, the address.
        case caller
        /// The address, whoever asks.
        case address
        /// What the code that counts names itself, as an e-mail address.
        case named
    }

    /// The name, which is part of the key.
    public let name: String
    /// How many at once.
    public let capacity: Int
    /// In how many seconds a whole capacity comes back.
    public let window: Int
    /// Whose uses are counted together.
    public let subject: Subject
    /// Whether all servers on one database count together.
    public let isShared: Bool
    /// Whether it is refused when nobody can count: guessing passwords must not become free because the database is down.
    public let failsClosed: Bool

    /// A limit.
    public init(
        _ name: String,
        capacity: Int,
        window: Int,
        subject: Subject = .caller,
        isShared: Bool = false,
        failsClosed: Bool = false
    ) {
        self.name = name
        self.capacity = max(1, capacity)
        self.window = max(1, window)
        self.subject = subject
        self.isShared = isShared
        self.failsClosed = failsClosed
    }

    /// Everything somebody signed in does: 1500 in 5 minutes.
    public static let account = RateLimitClass("account", capacity: 1500, window: 300)
    /// Everything an API token does: 300 in 5 minutes.
    public static let token = RateLimitClass("token", capacity: 300, window: 300)
    /// Everything visitors at an address do: 300 in 5 minutes.
    public static let address = RateLimitClass("address", capacity: 300, window: 300, subject: .address)
    /// Sign-in from an address: 25 in 5 minutes.
    public static let signIn = RateLimitClass(
        "sign_in",
        capacity: 25,
        window: 300,
        subject: .address,
        isShared: true,
        failsClosed: true
    )
    /// Sign-up from an address: 5 in 30 minutes.
    public static let signUp = RateLimitClass(
        "sign_up",
        capacity: 5,
        window: 1800,
        subject: .address,
        isShared: true,
        failsClosed: true
    )
    /// Password resets asked for from an address: 25 in 30 minutes.
    public static let reset = RateLimitClass(
        "reset",
        capacity: 25,
        window: 1800,
        subject: .address,
        isShared: true,
        failsClosed: true
    )
    /// Password resets and confirmations mailed to one e-mail address: 5 in 30 minutes.
    public static let resetName = RateLimitClass(
        "reset_name",
        capacity: 5,
        window: 1800,
        subject: .named,
        isShared: true,
        failsClosed: true
    )
    /// Files sent: 30 in 30 minutes.
    public static let media = RateLimitClass("media", capacity: 30, window: 1800)
}
