/**
 * Manifests and indexes: bytes to checked values. Unknown keys stay in the value; the bytes stay beside it.
 * @module
 */
import { createReader, type JsonObject, parseJson } from './document.ts';
import { ociError } from './errors.ts';
import { MAX_MANIFEST_BYTES } from './limits.ts';
import { isIndexType, isManifestType, isSchema1Type } from './media-types.ts';
import type { Index, Manifest } from './types.ts';

export type ManifestDocument =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'index'; readonly index: Index };

const manifestReader = createReader('manifest');
const indexReader = createReader('index');

/**
 * The manifest or index in the bytes. `expected` is the media type that pointed here: a body that says otherwise is refused, and so is one
 * that could be read both ways (CVE-2021-41190). Image-spec 1.1.1, manifest.md and image-index.md.
 * @throws OCI_DOCUMENT_INVALID, OCI_DOCUMENT_TOO_LARGE, OCI_DOCUMENT_CONFUSED, OCI_SCHEMA1
 */
export function parseManifestOrIndex(bytes: Uint8Array, expected?: string): ManifestDocument {
  const raw = manifestReader.object(parseJson('manifest', bytes, MAX_MANIFEST_BYTES), '');
  const own = raw.mediaType ?? undefined;
  const said = typeof own === 'string' ? own : undefined;
  refuseSchema1(raw, said ?? expected);
  const looksLikeIndex = present(raw.manifests);
  const looksLikeManifest = present(raw.config) || present(raw.layers);
  if (looksLikeIndex && looksLikeManifest) {
    throw ociError('OCI_DOCUMENT_CONFUSED', { why: 'it has both "manifests" and "config" or "layers"' });
  }
  const known = (type: string | undefined) =>
    type !== undefined && (isManifestType(type) || isIndexType(type));
  for (const type of [said, expected]) {
    if (type === undefined || !known(type)) continue;
    if (isIndexType(type) && looksLikeManifest) {
      throw ociError('OCI_DOCUMENT_CONFUSED', { why: `its type is ${type}, its content a manifest` });
    }
    if (isManifestType(type) && looksLikeIndex) {
      throw ociError('OCI_DOCUMENT_CONFUSED', { why: `its type is ${type}, its content an index` });
    }
  }
  if (said !== undefined && known(expected) && said !== expected) {
    throw ociError('OCI_DOCUMENT_CONFUSED', { why: `its type is ${said}, the descriptor says ${expected}` });
  }
  const isIndex = looksLikeIndex || (!looksLikeManifest && isIndexType(said ?? expected ?? ''));
  return isIndex
    ? { kind: 'index', index: readIndex(raw) }
    : { kind: 'manifest', manifest: readManifest(raw) };
}

/** The manifest in the bytes. @throws as `parseManifestOrIndex`, and OCI_DOCUMENT_CONFUSED for an index */
export function parseManifest(bytes: Uint8Array, expected?: string): Manifest {
  const document = parseManifestOrIndex(bytes, expected);
  if (document.kind === 'manifest') return document.manifest;
  throw ociError('OCI_DOCUMENT_CONFUSED', { why: 'a manifest is wanted here, its content is an index' });
}

/** The index in the bytes. @throws as `parseManifestOrIndex`, and OCI_DOCUMENT_CONFUSED for a manifest */
export function parseIndex(bytes: Uint8Array, expected?: string): Index {
  const document = parseManifestOrIndex(bytes, expected);
  if (document.kind === 'index') return document.index;
  if (!present(document.manifest.config)) throw indexReader.fail('manifests', undefined, 'a list');
  throw ociError('OCI_DOCUMENT_CONFUSED', { why: 'an index is wanted here, its content is a manifest' });
}

function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function refuseSchema1(raw: JsonObject, mediaType: string | undefined): void {
  if (raw.schemaVersion === 1 || (mediaType !== undefined && isSchema1Type(mediaType))) {
    throw ociError('OCI_SCHEMA1', { mediaType: mediaType ?? 'schemaVersion 1' });
  }
}

function readManifest(raw: JsonObject): Manifest {
  const { fail, fields, descriptor, string, stringMap, array } = manifestReader;
  if (raw.schemaVersion !== 2) throw fail('schemaVersion', raw.schemaVersion, '2');
  descriptor(raw.config, 'config');
  if (!present(raw.layers)) throw fail('layers', raw.layers, 'a list');
  return fields(raw, '', {
    mediaType: string,
    artifactType: string,
    config: descriptor,
    layers: (value, path) => array(value, path, descriptor),
    subject: descriptor,
    annotations: stringMap,
  }) as unknown as Manifest;
}

function readIndex(raw: JsonObject): Index {
  const { fail, fields, descriptor, string, stringMap, array } = indexReader;
  if (raw.schemaVersion !== 2) throw fail('schemaVersion', raw.schemaVersion, '2');
  if (!present(raw.manifests)) throw fail('manifests', raw.manifests, 'a list');
  return fields(raw, '', {
    mediaType: string,
    artifactType: string,
    manifests: (value, path) => array(value, path, descriptor),
    subject: descriptor,
    annotations: stringMap,
  }) as unknown as Index;
}
