/// Runs libFuzzer, whose own `main` is not used: SwiftPM gives an executable's another name.
int runFuzzer(int count, char **arguments);
