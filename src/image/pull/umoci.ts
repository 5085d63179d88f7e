// An image in an OCI layout as a root file system directory, by umoci: it checks each digest, resolves each path inside the
// new root whatever links a layer has put there, and does what later layers say of earlier ones.

import { parseFailure, runTool, type ToolFailure } from "./run-tool.ts";

/**
 * @param rootfs is made
 * @returns what went wrong, for who knows the image's name
 * @throws CANCELED, HOST_LACKS
 */
export async function unpack(
  layout: string,
  rootfs: string,
  more: { readonly cancel: AbortSignal | undefined; readonly onStart: (pid: number) => void },
): Promise<ToolFailure | undefined> {
  // `raw`: without a bundle, for which it would read all files once more.
  const args = ["raw", "unpack", "--image", `${layout}:image`, rootfs];
  const result = await runTool({ program: "umoci", args, ...more });
  return result.exitCode === 0 ? undefined : parseFailure("umoci", result);
}
