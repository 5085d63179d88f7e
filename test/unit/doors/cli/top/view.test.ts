import t from "tap";
import { listRows, makeView, type View, withFrame, withKey } from "../../../../../src/doors/cli/top/view.ts";
import { aFrame } from "../../../../support/a-frame.ts";

const FRAME = aFrame({ web: { server: [10, 64], client: [30, 8] }, db: { main: [5, 300] }, idle: { one: [0, 1] } });

function press(view: View, ...keys: string[]): View {
  return keys.reduce((at, key) => {
    const next = withKey(at, key, 10);
    if (next === "quit") throw new Error(`${key} quits`);
    return next;
  }, view);
}

const ids = (view: View) => listRows(view).map(({ id }) => id);

t.test("pods are sorted by what was asked, and open into their containers", async (t) => {
  const view = withFrame(makeView(), FRAME);
  t.same(ids(view), ["web", "db", "idle"]);
  t.same(ids(press(view, "m")), ["db", "web", "idle"]);
  t.same(ids(press(view, "n")), ["db", "idle", "web"]);
  t.same(ids(press(view, "p")), ["db", "idle", "web"], "those that are alike by name");
  t.same(ids(press(view, "enter")), ["web", "web/client", "web/server", "db", "idle"]);
  t.same(ids(press(view, "enter", "m")), ["db", "web", "web/server", "web/client", "idle"]);
  t.same(ids(press(view, "e")).length, 7);
  t.same(ids(press(view, "e", "e")), ["web", "db", "idle"]);
  t.same(
    ids(withFrame(makeView(["db"]), FRAME)),
    ["web", "db", "db/main", "idle"],
    "a named one is open from the start",
  );
});

t.test("the user stays on his row while others move", async (t) => {
  const view = press(withFrame(makeView(), FRAME), "down");
  t.equal(view.selected, "db");
  t.equal(press(view, "m", "down").selected, "web");
  t.equal(press(view, "up", "up", "up").selected, "web");
  t.equal(press(view, "end", "j").selected, "idle");
  t.equal(press(view, "home", "pagedown").selected, "idle");
  const inside = press(view, "right", "down");
  t.equal(inside.selected, "db/main");
  t.equal(press(inside, "left").selected, "db", "a row that closes leaves him on its pod");
  t.same(press(withFrame(makeView(), aFrame({})), "down", "enter", "e").selected, undefined, "where there is no row");
});

t.test("q, Escape and Ctrl-C quit; other keys do nothing", async (t) => {
  const view = withFrame(makeView(), FRAME);
  for (const key of ["q", "escape", "interrupt"]) t.equal(withKey(view, key, 10), "quit");
  t.equal(withKey(view, "x", 10), view);
});

t.test("what was is kept for two minutes, and forgotten with its row", async (t) => {
  let view = makeView();
  for (let i = 0; i < 200; i += 1) view = withFrame(view, FRAME);
  t.equal(view.history.get("web/server")?.cpu.length, 120);
  view = withFrame(view, aFrame({ db: { main: [1, 1] } }));
  t.same([...view.history.keys()], ["db", "db/main"]);
});
