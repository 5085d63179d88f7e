// What an image is called: the grammar of the distribution project (distribution/reference), on which registries,
// docker, podman and buildah agree. Nothing that passes can mean something else to a shell, a flag parser or a Dockerfile.

const MAX_LENGTH = 512;
const HOST = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*";
const DOMAIN = `(?:${HOST}|\\[[0-9A-Fa-f:]+\\])(?::[0-9]{1,5})?`;
const PATH = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const NAME = `(?:${DOMAIN}/)?${PATH}(?:/${PATH})*`;
const TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,128}";

const REFERENCE = new RegExp(`^${NAME}(?::${TAG})?(?:@${DIGEST})?$`);
const TAGGABLE = new RegExp(`^${NAME}(?::${TAG})?$`);
/** A Dockerfile's word for no image at all. */
const NOTHING = "scratch";

/** Names an image that is there: `nginx`, `registry:5000/team/web:1.2`, `nginx@sha256:…`. */
export function isImageReference(text: string): boolean {
  return text.length <= MAX_LENGTH && text !== NOTHING && REFERENCE.test(text);
}

/** Can be given to a new image: a reference without a digest. */
export function isImageName(text: string): boolean {
  return isImageReference(text) && TAGGABLE.test(text);
}
