/**
 * The document index.json of an image layout: names for descriptors. Pure; whatever it does not understand it keeps.
 *
 * A full name stands in `io.containerd.image.name`; `org.opencontainers.image.ref.name` has the short form that people type
 * (`hello-c:latest` for `docker.io/library/hello-c:latest`), which is what skopeo and umoci look for in `oci:FOLDER:hello-c:latest`.
 */
import type { Descriptor } from '../oci/types.ts';
import { isDigest } from './blob-path.ts';
import { storeError } from './errors.ts';

const FULL_NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';

type Json = { readonly [key: string]: unknown };

/** index.json as read: unknown keys and foreign entries included. */
export interface LayoutIndex {
  readonly document: Json;
  readonly entries: readonly Json[];
}

/** An index without names. */
export const NEW_INDEX: LayoutIndex = {
  document: { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] },
  entries: [],
};

/** The index in this text; `path` is for messages only. @throws STORE_FORMAT */
export function parseIndex(text: string, path: string): LayoutIndex {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw storeError(
      'STORE_FORMAT',
      { path, problem: `is not JSON: ${(cause as Error).message}` },
      {
        cause,
        hint: 'with that file out of the way the store has no names, and all else is there: load or build the images again',
      },
    );
  }
  if (!isObject(document)) throw storeError('STORE_FORMAT', { path, problem: 'is not a JSON object' });
  if (document.schemaVersion !== 2) {
    throw storeError('STORE_FORMAT', { path, problem: 'has no "schemaVersion": 2' });
  }
  // umoci before 0.5.1 wrote null for an empty list.
  const entries = document.manifests ?? [];
  if (!Array.isArray(entries) || !entries.every(isObject)) {
    throw storeError('STORE_FORMAT', { path, problem: 'has no list of objects in "manifests"' });
  }
  return { document, entries };
}

/** The document's text. */
export function formatIndex(index: LayoutIndex): string {
  return JSON.stringify({ ...index.document, manifests: index.entries });
}

/** What `name` points at: by full name, then by the short name that other tools wrote. The annotations that hold names are left out. */
export function findName(index: LayoutIndex, name: string): Descriptor | undefined {
  const valid = index.entries.filter((entry) => toDescriptor(entry) !== undefined);
  const entry =
    valid.find((entry) => nameOf(entry) === name) ??
    valid.find((entry) => annotation(entry, REF_NAME) === name) ??
    valid.find((entry) => isForeignNamed(entry, shortName(name)));
  return entry === undefined ? undefined : toDescriptor(entry);
}

/** The index with `name` pointing at `target`, or `index` itself when it does already. */
export function withName(index: LayoutIndex, name: string, target: Descriptor): LayoutIndex {
  const others = index.entries.filter((entry) => !belongsTo(entry, name));
  const entry = namedEntry(others, name, target);
  const same = index.entries.filter((old) => belongsTo(old, name));
  if (same.length === 1 && equalJson(same[0], entry)) return index;
  const at = index.entries.findIndex((old) => belongsTo(old, name));
  const entries = at < 0 ? [...others, entry] : [...others.slice(0, at), entry, ...others.slice(at)];
  return { ...index, entries };
}

/** The index without `name`, or undefined when it is not there. */
export function withoutName(index: LayoutIndex, name: string): LayoutIndex | undefined {
  const entries = index.entries.filter((entry) => !belongsTo(entry, name));
  return entries.length === index.entries.length ? undefined : { ...index, entries };
}

/** Each name once with its target, sorted by code units. */
export function namesOf(index: LayoutIndex): readonly (readonly [string, Descriptor])[] {
  const names = new Map<string, Descriptor>();
  for (const entry of index.entries) {
    const name = nameOf(entry);
    const target = toDescriptor(entry);
    if (name !== undefined && target !== undefined && !names.has(name)) names.set(name, target);
  }
  return [...names].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Every valid descriptor of the index, named or not: all of them keep their blobs. */
export function targetsOf(index: LayoutIndex): readonly Descriptor[] {
  return index.entries.map(toDescriptor).filter((target) => target !== undefined);
}

/** The form without `docker.io/library/` or `docker.io/`. */
export function shortName(name: string): string {
  return name.replace(/^docker\.io\/(library\/(?=[^/]+$))?/, '');
}

function namedEntry(others: readonly Json[], name: string, target: Descriptor): Json {
  const taken = new Set(others.map((entry) => annotation(entry, REF_NAME)));
  const short = [shortName(name), name].find((form) => !taken.has(form));
  return {
    ...target,
    annotations: {
      ...target.annotations,
      [FULL_NAME]: name,
      // Two entries with one short name would be "ambiguous" to umoci: the later one keeps only its full name.
      ...(short === undefined ? {} : { [REF_NAME]: short }),
    },
  };
}

/** True if the entry is this name's: named so, or by another tool with the short form only. */
function belongsTo(entry: Json, name: string): boolean {
  return nameOf(entry) === name || isForeignNamed(entry, shortName(name));
}

function isForeignNamed(entry: Json, name: string): boolean {
  return nameOf(entry) === name && annotation(entry, FULL_NAME) !== name;
}

/** The full name, unless it belongs to another entry: umoci copies all annotations when it tags and changes only the short name. */
function nameOf(entry: Json): string | undefined {
  const full = annotation(entry, FULL_NAME);
  const short = annotation(entry, REF_NAME);
  if (full === undefined || short === undefined) return full ?? short;
  // Docker writes the tag alone as the short name.
  const agree = short === full || short === shortName(full) || full.endsWith(`:${short}`);
  return agree ? full : short;
}

function annotation(entry: Json, key: string): string | undefined {
  const { annotations } = entry;
  const value = isObject(annotations) && Object.hasOwn(annotations, key) ? annotations[key] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function toDescriptor(entry: Json): Descriptor | undefined {
  const { mediaType, digest, size, annotations, ...rest } = entry;
  if (typeof mediaType !== 'string' || !isDigest(digest)) return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
  const kept = isObject(annotations)
    ? Object.entries(annotations).filter(([key]) => key !== FULL_NAME && key !== REF_NAME)
    : [];
  const descriptor = { mediaType, digest, size, ...rest };
  return kept.length === 0 ? descriptor : { ...descriptor, annotations: Object.fromEntries(kept) as never };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, at) => equalJson(item, b[at]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a).filter((key) => a[key] !== undefined);
  const count = Object.keys(b).filter((key) => b[key] !== undefined).length;
  return keys.length === count && keys.every((key) => equalJson(a[key], b[key]));
}
