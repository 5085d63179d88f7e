// The sizes of huge pages that a manifest can ask for, as Kubernetes writes them.

export const HUGEPAGE_BYTES = { "2Mi": 2 ** 21, "1Gi": 2 ** 30 } as const;
export type HugepageSize = keyof typeof HUGEPAGE_BYTES;
export const HUGEPAGE_SIZES: readonly HugepageSize[] = ["2Mi", "1Gi"];
