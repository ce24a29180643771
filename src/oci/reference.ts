/**
 * Names of images, by Docker's rules: `debian` is `docker.io/library/debian`.
 * @module
 */
import { parseDigest } from './digest.ts';
import { ociError } from './errors.ts';
import { MAX_NAME_LENGTH } from './limits.ts';
import type { Digest } from './types.ts';

/** A name taken apart. `registry` and `repository` are always written out (`docker.io`, `library/debian`). */
export interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string | undefined;
  readonly digest?: Digest | undefined;
}

/** What a name without a registry means. */
export const DEFAULT_REGISTRY = 'docker.io';
/** What a name without a tag means. */
export const DEFAULT_TAG = 'latest';

const DOMAIN_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = new RegExp(`^(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const BARE_ID = /^[a-f0-9]{64}$/;

/** The reference that the text names; no tag is added. @throws OCI_REFERENCE_INVALID, OCI_DIGEST_INVALID */
export function parseReference(text: string): Reference {
  const bad = (why: string, hint?: string) => ociError('OCI_REFERENCE_INVALID', { text, why, hint });
  if (text === '') throw bad('it is empty');
  if (text.length > 2 * MAX_NAME_LENGTH + 256) throw bad(`it is ${text.length} characters long`);
  if (BARE_ID.test(text))
    throw bad('64 hex digits are an image id', 'a name needs something else than an id');
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : parseDigest(text.slice(at + 1));
  const named = at < 0 ? text : text.slice(0, at);

  const { registry, rest } = splitRegistry(named);
  const colon = rest.indexOf(':');
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const repository = registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path;

  if (path.toLowerCase() !== path) {
    throw bad(
      `repository name "${path}" must be lower case`,
      `did you mean "${text.replace(path, path.toLowerCase())}"?`,
    );
  }
  if (!DOMAIN.test(registry)) throw bad(`"${registry}" is not a registry's host name`);
  if (path === '' || !PATH.test(repository)) throw bad(whyNoPath(path), dashHint(text));
  if (registry.length + 1 + repository.length > MAX_NAME_LENGTH) {
    throw bad(`registry and repository are longer than ${MAX_NAME_LENGTH} characters`);
  }
  if (tag !== undefined && !TAG.test(tag)) {
    throw bad(`tag "${tag}" must be 1 to 128 letters, digits, "_", "." or "-", not starting with "." or "-"`);
  }
  return { registry, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** The same reference with `latest` if it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: DEFAULT_TAG }
    : reference;
}

/** The full spelling: `docker.io/library/debian:12`. */
export function formatReference(reference: Reference): string {
  return `${reference.registry}/${reference.repository}${suffix(reference)}`;
}

/** The short spelling that Docker prints: `debian:12`; always reads back as the same reference. */
export function familiarName(reference: Reference): string {
  if (reference.registry !== DEFAULT_REGISTRY) return formatReference(reference);
  const { repository } = reference;
  const short = /^library\/[^/]+$/.test(repository) ? repository.slice('library/'.length) : repository;
  const { registry } = splitRegistry(short);
  return registry === DEFAULT_REGISTRY && !BARE_ID.test(short)
    ? `${short}${suffix(reference)}`
    : formatReference(reference);
}

/** The repository's short spelling without tag and digest: `debian`. */
export function familiarRepository(reference: Reference): string {
  return familiarName({ registry: reference.registry, repository: reference.repository });
}

function suffix({ tag, digest }: Reference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** The first component is a registry only if it looks like a host: a dot, a colon, upper case or `localhost`. */
function splitRegistry(named: string): { registry: string; rest: string } {
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const isHost =
    first !== '' && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
  if (!isHost) return { registry: DEFAULT_REGISTRY, rest: named };
  const registry = first === 'index.docker.io' || first === 'registry-1.docker.io' ? DEFAULT_REGISTRY : first;
  return { registry, rest: named.slice(slash + 1) };
}

function whyNoPath(path: string): string {
  if (path === '') return 'the repository name is missing';
  const odd = /[^a-z0-9._/-]/u.exec(path);
  if (odd !== null) return `repository name "${path}" has ${JSON.stringify(odd[0])} in it`;
  return `repository name "${path}" must be words of a-z and 0-9 joined by ".", "_", "__", "-" or "/"`;
}

function dashHint(text: string): string | undefined {
  if (/^[\u2010-\u2015]/u.test(text)) return 'a typographic dash was pasted: flags start with "-" or "--"';
  if (text.startsWith('-')) return 'flags come before the name';
  return undefined;
}
