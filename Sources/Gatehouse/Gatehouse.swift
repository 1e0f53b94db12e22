// The executable: configuration, commands and the composition root, where alone everything meets.

import ArgumentParser
import CLinux
import Foundation
import MediaWorker
import Reach

@main
enum Gatehouse {
    static func main() async {
        // A worker must stay as small as it can: it never comes to argument parsing.
        if CommandLine.arguments.dropFirst().elementsEqual(["worker"]) { exit(WorkerMain.run()) }
        if CommandLine.arguments.dropFirst().elementsEqual([RouterMain.argument]) { exit(RouterMain.run()) }
        if CommandLine.arguments.dropFirst().elementsEqual([GatehouseCommand.versionFlag]) { return print(GatehouseCommand.version) }
        // Keys and passwords lie in memory: no core of it is written, nor handed to a program that collects them.
        _ = gatehouse_limit_core_dump()
        _ = gatehouse_no_core_dump()
        // Each thread has a heap of its own else, which keeps the most that it ever had: memory would grow for hours, though nothing more is held.
        _ = gatehouse_limit_arenas(2)
        await GatehouseCommand.main()
    }
}
