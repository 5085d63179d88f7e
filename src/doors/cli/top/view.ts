// What `top` shows at one moment, as data: the last look at the pods, what came before it, and where the user is. Frames
// and keys change it; draw.ts makes lines of it. Pure.

import type { ContainerStats, PodStats, StatsFrame, Usage } from "../../../engine/engine.ts";
import type { Key } from "./keys.ts";

export const SORTS = ["cpu", "memory", "pids", "name"] as const;
export type Sort = (typeof SORTS)[number];

/** Looks that are kept for a sparkline. */
const KEPT = 120;

export interface History {
  readonly cpu: readonly number[];
  readonly memory: readonly number[];
}

export interface View {
  readonly frame: StatsFrame | undefined;
  /** By row: `web`, `web/server`. */
  readonly history: ReadonlyMap<string, History>;
  readonly sort: Sort;
  /** Names of the pods whose containers are shown. */
  readonly open: ReadonlySet<string>;
  /** The row that the user is on; undefined: the first. */
  readonly selected: string | undefined;
}

export interface Row {
  /** `web` or `web/server`. */
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly isPod: boolean;
  readonly isOpen: boolean;
  readonly usage: Usage;
}

/** Pods that were named are open from the start. */
export function makeView(open: readonly string[] = []): View {
  return { frame: undefined, history: new Map(), sort: "cpu", open: new Set(open), selected: undefined };
}

/** Rows that are gone are forgotten. */
export function withFrame(view: View, frame: StatsFrame): View {
  const history = new Map<string, History>();
  for (const { id, usage } of listAll(frame)) {
    const before = view.history.get(id) ?? { cpu: [], memory: [] };
    history.set(id, {
      cpu: [...before.cpu, usage.cpuPercent ?? 0].slice(-KEPT),
      memory: [...before.memory, usage.memoryBytes ?? 0].slice(-KEPT),
    });
  }
  return { ...view, frame, history };
}

/** The rows that are to be seen, in order: each pod, and below it its containers where it is open. */
export function listRows({ frame, sort, open }: View): readonly Row[] {
  return sorted(frame?.pods ?? [], sort, ({ pod }) => pod).flatMap((pod): Row[] => {
    const isOpen = open.has(pod.pod);
    const containers = isOpen ? sorted(pod.containers, sort, ({ name }) => name) : [];
    return [makePodRow(pod, isOpen), ...containers.map((container) => makeContainerRow(pod, container))];
  });
}

/** `page`: rows to the next page. `quit`: the user wants to go. */
export function withKey(view: View, key: Key, page: number): View | "quit" {
  const rows = listRows(view);
  const at = Math.max(
    0,
    rows.findIndex(({ id }) => id === view.selected),
  );
  const move = (to: number): View => {
    const row = rows[Math.min(Math.max(0, to), rows.length - 1)];
    return row === undefined ? view : { ...view, selected: row.id };
  };
  const here = rows[at];
  switch (key) {
    case "q":
    case "escape":
    case "interrupt":
      return "quit";
    case "up":
    case "k":
      return move(at - 1);
    case "down":
    case "j":
      return move(at + 1);
    case "pageup":
      return move(at - page);
    case "pagedown":
      return move(at + page);
    case "home":
      return move(0);
    case "end":
      return move(rows.length - 1);
    case "enter":
      return here === undefined ? view : setOpen(view, here, !view.open.has(podOf(here)));
    case "right":
      return here === undefined ? view : setOpen(view, here, true);
    case "left":
      return here === undefined ? view : setOpen(view, here, false);
    case "e": {
      const all = (view.frame?.pods ?? []).map(({ pod }) => pod as string);
      const isAll = all.every((pod) => view.open.has(pod));
      return { ...view, open: new Set(isAll ? [] : all), selected: here === undefined ? undefined : podOf(here) };
    }
    case "c":
      return { ...view, sort: "cpu" };
    case "m":
      return { ...view, sort: "memory" };
    case "p":
      return { ...view, sort: "pids" };
    case "n":
      return { ...view, sort: "name" };
    default:
      return view;
  }
}

function setOpen(view: View, here: Row, isOpen: boolean): View {
  const pod = podOf(here);
  const open = new Set(view.open);
  if (isOpen) open.add(pod);
  else open.delete(pod);
  return { ...view, open, selected: isOpen ? here.id : pod };
}

function podOf({ id }: Row): string {
  return id.split("/")[0] ?? id;
}

function listAll(frame: StatsFrame): { id: string; usage: Usage }[] {
  return frame.pods.flatMap((pod) => [
    { id: pod.pod as string, usage: pod as Usage },
    ...pod.containers.map((one) => ({ id: `${pod.pod}/${one.name}`, usage: one as Usage })),
  ]);
}

function makePodRow(pod: PodStats, isOpen: boolean): Row {
  return { id: pod.pod, name: pod.pod, status: pod.status, isPod: true, isOpen, usage: pod };
}

function makeContainerRow(pod: PodStats, one: ContainerStats): Row {
  return { id: `${pod.pod}/${one.name}`, name: one.name, status: one.status, isPod: false, isOpen: false, usage: one };
}

/** Most first; those that are alike by name, so that rows do not dance. */
function sorted<T extends Usage>(all: readonly T[], sort: Sort, nameOf: (one: T) => string): readonly T[] {
  const byName = (a: T, b: T) => (nameOf(a) < nameOf(b) ? -1 : 1);
  const weight = (one: T): number => {
    if (sort === "cpu") return Math.round(one.cpuPercent ?? -1);
    return (sort === "memory" ? one.memoryBytes : one.pids) ?? -1;
  };
  return [...all].sort((a, b) => (sort === "name" ? 0 : weight(b) - weight(a)) || byName(a, b));
}
