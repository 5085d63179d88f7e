// How large a file must be so that an ext4 in it holds so many bytes, and as little more as can be.

const BLOCK = 4096;
/** What one file takes of the inode table, and for how many bytes of files one is made. */
const INODE_BYTES = 256;
const BYTES_AN_INODE = 16_384;
const MIN_INODES = 256;
/** 32768 blocks: each group has two bitmaps, and some a copy of the superblock. */
const GROUP_BYTES = 32_768 * BLOCK;
const GROUP_OVERHEAD = 4 * BLOCK;
/** Superblock, descriptors, the root directory, lost+found. */
const FIXED_OVERHEAD = 24 * BLOCK;

/** Smaller ones mkfs.ext4 refuses. */
const LEAST = 128 * 1024;
/** What ext4 keeps for its own tables when it is nearly full. */
const KERNELS_SHARE = 0.0205;
const KERNELS_MOST = 4096 * BLOCK;

/** No journal: nobody needs the files after a crash. Nothing is kept back for root. */
export const MKFS_OPTIONS = [
  "-q",
  "-F",
  "-b",
  String(BLOCK),
  "-I",
  String(INODE_BYTES),
  "-m",
  "0",
  "-O",
  "^has_journal,^resize_inode",
  "-E",
  "nodiscard,lazy_itable_init=1",
] as const;

export function makeImageSize(limitBytes: number): { readonly bytes: number; readonly inodes: number } {
  const sizeBytes = Math.max(limitBytes, LEAST);
  const inodes = Math.max(MIN_INODES, Math.ceil(sizeBytes / BYTES_AN_INODE));
  const groups = Math.ceil(sizeBytes / GROUP_BYTES);
  // Files of more than four extents take a block or two for the tree of them.
  const trees = Math.ceil(sizeBytes / 1024);
  const raw = sizeBytes + inodes * INODE_BYTES + groups * GROUP_OVERHEAD + FIXED_OVERHEAD + trees;
  const whole = raw + Math.min(Math.ceil(raw * KERNELS_SHARE), KERNELS_MOST);
  return { bytes: Math.ceil(whole / BLOCK) * BLOCK, inodes };
}
