// What an io says of its log goes to the journal, and so to everybody who looks at the pod. The journal may lie on the
// same full disk; then the supervisor's own log is tried, and the io goes on regardless.

import type { PodContext } from "./context.ts";

export interface LogNews {
  readonly is: "blocked" | "resumed";
  readonly reason?: string;
  readonly lostLines?: number;
  readonly lostBytes?: number;
}

/** The same twice is told once: a new io does not know what the one before it has said. */
export function noteLogNews(pod: PodContext, name: string, news: LogNews): void {
  const container = pod.journal.state.containers.find((one) => one.name === name);
  if (container === undefined || container.status === "planned" || container.status === "deleted") return;
  const { reason = "unknown", lostLines = 0, lostBytes = 0 } = news;
  try {
    if (news.is === "blocked" && container.logBlocked === undefined) {
      pod.report(new Error(reason), `container ${name}: its log cannot be written`);
      pod.journal.append({ type: "container.log-blocked", container: container.name, reason });
    } else if (news.is === "resumed" && container.logBlocked !== undefined) {
      pod.journal.append({ type: "container.log-resumed", container: container.name, lostLines, lostBytes });
    }
  } catch (error) {
    pod.report(error, `container ${name}: what became of its log could not be noted`);
  }
}
