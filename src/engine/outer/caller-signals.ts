// What a signal means that a caller sends to the container in which a pod lives. Pure.

/** The signals by which callers stop containers; the others are for the programs in them. */
const STOPS: readonly string[] = ["TERM", "INT", "QUIT", "PWR", "RTMIN+3", "15", "2", "3", "30", "37"];

export function meaningOf(signal: string): "stop" | "kill" | "signal" {
  const name = signal.toUpperCase().replace(/^SIG/, "");
  if (name === "KILL" || name === "9") return "kill";
  return STOPS.includes(name) ? "stop" : "signal";
}
