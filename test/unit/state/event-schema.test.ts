// What the journal holds is what schemas/event.schema.json promises to the world, and nothing else passes.

import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import t from "tap";

import type { Event } from "../../../src/state/event.ts";
import { CONTAINER_MOVES, POD_RULES } from "../../../src/state/transitions.ts";
import { anOrdinaryLife, SIDECAR, stamp, WEB, walk } from "../../support/journals.ts";

const schema = JSON.parse(readFileSync(new URL("../../../schemas/event.schema.json", import.meta.url), "utf8"));
const isEvent = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false }).compile(schema);

t.test("every event of every story passes, and together they are all the facts there are", async (t) => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 40, maxLength: 60, size: "max" }), (choices) => {
      for (const event of [...walk([WEB], choices).events, ...walk([SIDECAR, WEB], choices, [SIDECAR]).events]) {
        if (!isEvent(event)) t.fail(`${JSON.stringify(event)}: ${JSON.stringify(isEvent.errors)}`);
        seen.add(event.type);
      }
    }),
    { numRuns: 300, seed: 7 },
  );
  t.same([...seen].sort(), [...Object.keys(POD_RULES), ...Object.keys(CONTAINER_MOVES)].sort());
});

t.test("each way to end passes", async (t) => {
  const exited = stamp(anOrdinaryLife()).find((event) => event.type === "container.exited") as Event;
  const time = "2026-01-01T00:00:00.123456789Z";
  const ends = [
    { kind: "exited", code: 0, time },
    { kind: "killed", signal: 9, time },
    { kind: "lost", time },
  ];
  for (const exit of ends) t.ok(isEvent({ ...exited, exit }), exit.kind);
  t.notOk(isEvent({ ...exited, exit: { kind: "lost", code: 0, time } }), "a lost exit has no code");
});

t.test("what lacks something or has something more does not pass", async (t) => {
  for (const event of stamp(anOrdinaryLife())) {
    for (const key of Object.keys(event)) {
      const { [key as keyof Event]: _, ...rest } = event;
      t.notOk(isEvent(rest), `${event.type} without ${key}`);
    }
    t.notOk(isEvent({ ...event, mood: "good" }), `${event.type} with a mood`);
  }
});
