// What is wrong with a ConfigMap or Secret document. A Secret's values stand in no sentence.

import { validate } from "../base/validate.ts";
import type { Report } from "./check-pod.ts";
import { fields, token } from "./loose-fields.ts";
import type { ObjectKind } from "./sources.ts";

/** Kubernetes' own limit, of all values together. */
const MAX_BYTES = 1024 * 1024;
/** RFC 4648 §4, whose line breaks Kubernetes overlooks. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function checkConfigObject(document: unknown, kind: ObjectKind, report: Report): void {
  const isSecret = kind === "Secret";
  for (const { pointer, message } of validate(isSecret ? "secret" : "config-map", document)) report(pointer, message);
  const whole = fields(document);
  const texts = isSecret ? "stringData" : "data";
  const bytes = isSecret ? "data" : "binaryData";
  let size = 0;
  for (const [key, value] of Object.entries(fields(whole[texts]))) {
    const text = assertText(value, `/${texts}/${token(key)}`, report);
    size += Buffer.byteLength(text ?? "");
    if (!isSecret && key in fields(whole[bytes])) report(`/${bytes}/${token(key)}`, "is in data already");
  }
  for (const [key, value] of Object.entries(fields(whole[bytes]))) {
    const pointer = `/${bytes}/${token(key)}`;
    const text = assertText(value, pointer, report)?.replaceAll(/[\r\n]/g, "");
    if (text === undefined) continue;
    const hint = isSecret ? "; what is no base64 belongs under stringData" : "; what is text belongs under data";
    if (!BASE64.test(text)) report(pointer, `is not base64${hint}`);
    size += (text.length / 4) * 3;
  }
  if (size > MAX_BYTES) report(`/${texts in whole ? texts : bytes}`, "holds more than 1 MiB");
}

function assertText(value: unknown, pointer: string, report: Report): string | undefined {
  if (typeof value === "string") return value;
  report(pointer, "must be a string; put it in quotes");
  return undefined;
}
