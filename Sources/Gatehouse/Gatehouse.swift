// The executable: configuration, commands and the composition root, where alone everything meets.

import ArgumentParser
import Foundation
import MediaWorker
import Reach

@main
enum Gatehouse {
    static func main() async {
        // A worker must stay as small as it can: it never comes to argument parsing.
        if CommandLine.arguments.dropFirst().elementsEqual(["worker"]) { exit(WorkerMain.run()) }
        if CommandLine.arguments.dropFirst().elementsEqual([RouterMain.argument]) { exit(RouterMain.run()) }
        await GatehouseCommand.main()
    }
}
