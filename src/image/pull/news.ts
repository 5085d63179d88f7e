// What a pull tells while it goes on; how that looks is the door's matter.

export interface PullNews {
  /** `docker.io/library/nginx:1.27` */
  readonly image: string;
  readonly doing: "pulling" | "unpacking" | "waiting" | "would pull" | "done" | "failed";
  /** Of `pulling` and `unpacking`; the total is 0 where it is not known. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export type TellPull = (news: PullNews) => void;
