import { bytesError, hasherFor, sha256 } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import { parseManifestOrIndex } from '../oci/manifest.ts';
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  isIndexType,
  isManifestType,
  isSchema1Type,
  OCI_INDEX,
  OCI_MANIFEST,
} from '../oci/media-types.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import { againWhenCut } from './again-when-cut.ts';
import { registryError } from './errors.ts';
import { foreignText } from './foreign-text.ts';
import type { Place } from './place.ts';

/** Without it, docker-registry 2.8 answers 404 for OCI manifests. */
export const ACCEPT = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST].join(', ');

export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/**
 * The manifest that a tag or digest names at a place: its descriptor is computed from its bytes; headers are compared, never believed.
 * Its type is what it says itself, which must be what the header says (distribution-spec 1.1.1, pulling manifests).
 * @throws REGISTRY_NOT_FOUND, REGISTRY_DENIED, REGISTRY_MEDIA_TYPE, REGISTRY_DIGEST, REGISTRY_TOO_LARGE, BYTES_MISMATCH, OCI_SCHEMA1, OCI_DOCUMENT_*
 */
export async function fetchManifest(
  place: Place,
  name: string,
  wanted: { readonly tag: string } | { readonly digest: Digest },
  o: CallOptions,
): Promise<FetchedManifest> {
  const byDigest = 'digest' in wanted ? wanted.digest : undefined;
  const { bytes, contentType, said } = await fetchBytes(place, name, byDigest ?? refOf(wanted), o);
  const digest = byDigest ?? sha256(bytes);
  if (byDigest !== undefined) verifyWhole(bytes, { digest: byDigest, size: bytes.length });
  // Some registries name every digest by sha512; what they name must be this content all the same.
  const got = said === undefined ? undefined : digestLike(said, bytes);
  if (said !== undefined && said !== digest && said !== got) {
    const header = foreignText(said, 150);
    throw registryError('REGISTRY_DIGEST', { name, header, got: got ?? digest });
  }
  const mediaType = typeOf(bytes, contentType, name);
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

/** The manifest that a descriptor points at, verified; its type is the descriptor's whatever the header says (image-spec 1.1.1, descriptor.md). */
export async function fetchDescribed(
  place: Place,
  name: string,
  wanted: Descriptor,
  o: CallOptions,
): Promise<Buffer> {
  const { bytes } = await fetchBytes(place, name, wanted.digest, o);
  verifyWhole(bytes, wanted);
  return bytes;
}

interface Answer {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** `Docker-Content-Digest`. */
  readonly said: string | undefined;
}

const fetchBytes = (place: Place, name: string, ref: string, o: CallOptions): Promise<Answer> =>
  againWhenCut(() => fetchOnce(place, name, ref, o), o);

async function fetchOnce(place: Place, name: string, ref: string, o: CallOptions): Promise<Answer> {
  const response = await place.ask(`manifests/${ref}`, { method: 'GET', headers: { accept: ACCEPT } }, o);
  if (response.status !== 200) throw await place.refused(response, name);
  const contentType = (response.header('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
  const said = response.header('docker-content-digest');
  try {
    return { bytes: await response.bytes(MAX_MANIFEST_BYTES), contentType, said };
  } catch (error) {
    if (!isDobosError(error, 'HTTP_BODY_TOO_LARGE')) throw error;
    throw registryError('REGISTRY_TOO_LARGE', { name, limit: MAX_MANIFEST_BYTES }, { cause: error });
  }
}

function refOf(wanted: { readonly tag: string } | { readonly digest: Digest }): string {
  return 'tag' in wanted ? wanted.tag : wanted.digest;
}

function verifyWhole(
  bytes: Buffer,
  { digest, size }: { readonly digest: Digest; readonly size: number },
): void {
  const gotDigest = digestLike(digest, bytes) ?? '';
  if (gotDigest !== digest || bytes.length !== size) {
    throw bytesError('BYTES_MISMATCH', { digest, size, gotDigest, gotSize: bytes.length });
  }
}

/** The digest of the bytes by the algorithm that the text names; undefined if there is no such. */
function digestLike(text: string, bytes: Buffer): string | undefined {
  const algorithm = /^(sha256|sha512):/.exec(text)?.[1];
  return algorithm === undefined ? undefined : `${algorithm}:${hasherFor(text).update(bytes).digest('hex')}`;
}

function typeOf(bytes: Buffer, header: string, name: string): string {
  if (isSchema1Type(header)) parseManifestOrIndex(bytes, header);
  const document = parseManifestOrIndex(bytes);
  const { mediaType: body } = document.kind === 'index' ? document.index : document.manifest;
  if (body !== undefined && header !== '' && body !== header) {
    throw registryError('REGISTRY_MEDIA_TYPE', {
      name,
      header: foreignText(header, 150),
      body: foreignText(body, 150),
    });
  }
  const type = body ?? header;
  if (isManifestType(type) || isIndexType(type)) {
    parseManifestOrIndex(bytes, type);
    return type;
  }
  // Neither says it, as plain file servers do: the content does.
  if (body === undefined && !type.startsWith('application/vnd.')) {
    return document.kind === 'index' ? OCI_INDEX : OCI_MANIFEST;
  }
  return type;
}
