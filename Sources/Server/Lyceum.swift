@main
enum Lyceum {
    static func main() {}
}
