// The yaml package's error codes in our own words.

import type { ErrorCode } from "yaml";

const WORDS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: "an alias cannot have an anchor or a tag of its own",
  BAD_ALIAS: "this is not an alias; a text that begins with * needs quotes",
  BAD_COLLECTION_TYPE: "the tag does not fit this list or map",
  BAD_DIRECTIVE: "this directive is not supported; a text that begins with % needs quotes",
  BAD_DQ_ESCAPE: "this escape is not known in double quotes; write \\\\ for a backslash, or use single quotes",
  BAD_INDENT: "the indentation does not fit the lines above",
  BAD_PROP_ORDER: "an anchor or tag stands in the wrong place",
  BAD_SCALAR_START: "a text cannot begin with this character; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY:
    "a list or map cannot begin here; the indentation is wrong, or a text with a colon needs quotes",
  BLOCK_IN_FLOW: "an indented list, map or text cannot stand inside brackets or braces",
  DUPLICATE_KEY: "this key is there twice",
  IMPOSSIBLE: "this is not YAML",
  KEY_OVER_1024_CHARS: "a key cannot be longer than 1024 characters; a quote or colon may be missing",
  MISSING_CHAR: "something is missing here: a space, a line break or a bracket",
  MULTILINE_IMPLICIT_KEY: "a colon is missing, or the indentation does not fit the lines above",
  MULTIPLE_ANCHORS: "one value cannot have two anchors",
  MULTIPLE_DOCS: "a second document begins here",
  MULTIPLE_TAGS: "one value cannot have two tags",
  NON_STRING_KEY: "a key must be a string; put it in quotes",
  RESOURCE_EXHAUSTION: "the document is nested too deeply",
  TAB_AS_INDENT: "a tab cannot indent; use spaces",
  TAG_RESOLVE_FAILED: "this tag is not supported; leave it out, or put the text in quotes",
  UNEXPECTED_TOKEN: "this cannot stand here; a quote, comma or line break may be missing",
};

/** Codes that stand for several mistakes; what the package says besides tells them apart. */
const FINER: readonly (readonly [RegExp, string])[] = [
  [/closing .quote/, "a closing quote is missing"],
  [/end with a \}/, "a closing } is missing"],
  [/end with a \]/, "a closing ] is missing"],
  [/^Missing , /, "a comma is missing before this"],
  [/space after :/, "a space is missing after the colon"],
  [/without - indicator/, "the indentation does not fit the lines above"],
  [/need to be followed by map values/, "a colon and a value are missing behind this key"],
];

export function syntaxClause(code: ErrorCode, message: string): string {
  const [, finer] = FINER.find(([pattern]) => pattern.test(message)) ?? [];
  return finer ?? WORDS[code];
}
