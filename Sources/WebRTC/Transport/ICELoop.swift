import CNice
import Foundation

/// The thread on which libnice works for all viewers: GLib's main loop.
final class ICELoop: Sendable {
    // Sendable holds: both are set once, and GLib lets every thread call into a context and a loop.
    nonisolated(unsafe) let context: OpaquePointer
    private nonisolated(unsafe) let loop: OpaquePointer

    init() {
        context = g_main_context_new()
        loop = g_main_loop_new(context, 0)
        // The thread's own pointers, which it needs after this is gone.
        nonisolated(unsafe) let (context, loop) = (context, loop)
        let thread = Thread {
            g_main_context_push_thread_default(context)
            g_main_loop_run(loop)
            g_main_context_pop_thread_default(context)
            g_main_loop_unref(loop)
            g_main_context_unref(context)
        }
        thread.name = "gatehouse.ice"
        thread.start()
    }

    deinit {
        // On the thread, as the last thing: a loop that does not run yet would not notice.
        nonisolated(unsafe) let loop = loop
        invoke { g_main_loop_quit(loop) }
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on the thread, soon.
    func invoke(_ body: @escaping @Sendable () -> Void) {
        let source = g_idle_source_new()
        g_source_set_priority(source, G_PRIORITY_DEFAULT)
        g_source_set_callback(
            source,
            { data in
                guard let data else { return 0 }
                Unmanaged<Work>.fromOpaque(data).takeUnretainedValue().body()
                return 0
            }, Unmanaged.passRetained(Work(body)).toOpaque(),
            { data in
                if let data { Unmanaged<Work>.fromOpaque(data).release() }
            })
        g_source_attach(source, context)
        g_source_unref(source)
    }

    /// What `body` answers on the thread.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in invoke { continuation.resume(returning: body()) } }
    }
}
