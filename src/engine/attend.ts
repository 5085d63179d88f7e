export async function runHook(..._words: unknown[]): Promise<{ ok: boolean; message: string }> {
  return { ok: true, message: "" };
}
