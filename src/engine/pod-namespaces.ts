import { PeapodError } from "../base/errors.ts";
import type { NamespaceReport, NamespaceRequest } from "./engine.ts";
export async function readPodNamespaces(_root: string, _request: NamespaceRequest): Promise<NamespaceReport> {
  throw new PeapodError("BUG", "being written");
}
