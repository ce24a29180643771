import { lstatSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ByteStream, collect } from '../base/bytes.ts';
import { systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { IMAGE_NAME, REF_NAME } from '../oci/annotations.ts';
import { formatIndex } from '../oci/format.ts';
import { LAYOUT_VERSION } from '../oci/layout-version.ts';
import { MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import { parseManifestOrIndex } from '../oci/manifest.ts';
import { isIndexType, isManifestType, OCI_INDEX } from '../oci/media-types.ts';
import { DEFAULT_TAG, parseReference } from '../oci/reference.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { type MemberContent, planMembers } from './archive-plan.ts';
import { imageError } from './errors.ts';
import { blobMember } from './load-plan.ts';
import { type OpenPlan, saveFile, saveMember, savePlan, streamPlan } from './write-archive.ts';

/** What a layout holds under its names: an image, or an index with all its images. */
export interface LayoutRoot {
  readonly target: Descriptor;
  /** Full names; none for an image that has none. */
  readonly names: readonly string[];
  /** Of the entry in index.json. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Manifests below one root: an index of platforms has a few. */
const MAX_MANIFESTS = 10_000;

/** The tar of an OCI layout with everything as the store has it, so that digests are kept (image-spec 1.1.1, image-layout.md). @throws IMAGE_LAYER_ABSENT, BYTES_MISMATCH, and errors of the store */
export function streamLayout(store: LocalStore, roots: readonly LayoutRoot[], o: CallOptions): ByteStream {
  return streamPlan(() => openLayoutPlan(store, roots, o), o);
}

/** The same as a file, there under its name only when it is whole. @throws ARCHIVE_WRITE, and as `streamLayout` */
export async function saveLayout(
  store: LocalStore,
  roots: readonly LayoutRoot[],
  path: string,
  o: CallOptions,
): Promise<void> {
  await savePlan(() => openLayoutPlan(store, roots, o), path, o);
}

/**
 * The layout as a folder, which is made if it is missing; blobs that it holds stay, index.json is replaced last.
 * @throws ARCHIVE_WRITE, and as `streamLayout`
 */
export async function saveLayoutFolder(
  store: LocalStore,
  roots: readonly LayoutRoot[],
  folder: string,
  o: CallOptions,
): Promise<void> {
  const { plan, close } = await openLayoutPlan(store, roots, o);
  try {
    const isIndex = ({ name }: { readonly name: string }): boolean => name === 'index.json';
    for (const member of [
      ...plan.members.filter((each) => !isIndex(each)),
      ...plan.members.filter(isIndex),
    ]) {
      const path = join(folder, member.name);
      const there = lstatSync(path, { throwIfNoEntry: false });
      if (!isIndex(member) && there?.isFile() === true && there.size === member.size) continue;
      makeParent(path, folder);
      await saveFile(path, {
        whole: (temp) => saveMember(member, temp, o),
        stream: () => {
          throw imageError('ARCHIVE_WRITE', { path, why: 'it is no regular file' });
        },
      });
    }
  } finally {
    await close();
  }
}

function makeParent(path: string, folder: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    const why = systemCode(error) ?? String(error);
    throw imageError('ARCHIVE_WRITE', { path: folder, why }, { cause: error });
  }
}

/** The bytes of index.json: an entry per name. */
function layoutIndex(roots: readonly LayoutRoot[]): Uint8Array {
  const entries = roots.flatMap(({ target, names, annotations }): Descriptor[] => {
    const { mediaType, digest, size, platform } = target;
    const bare: Descriptor = { mediaType, digest, size, ...(platform !== undefined && { platform }) };
    const own = annotations ?? {};
    if (names.length === 0) return [Object.keys(own).length === 0 ? bare : { ...bare, annotations: own }];
    return names.map((name) => ({
      ...bare,
      annotations: { ...own, [IMAGE_NAME]: name, [REF_NAME]: parseReference(name).tag ?? DEFAULT_TAG },
    }));
  });
  return formatIndex({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries });
}

async function openLayoutPlan(
  store: LocalStore,
  roots: readonly LayoutRoot[],
  o: CallOptions,
): Promise<OpenPlan> {
  const documents = new Map<string, Uint8Array>([
    ['oci-layout', new TextEncoder().encode(JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION }))],
    ['index.json', layoutIndex(roots)],
  ]);
  const blobs = new Map<Digest, Descriptor>();
  const visit = async (at: Descriptor): Promise<void> => {
    const name = blobMember(at.digest);
    if (documents.has(name)) return;
    if (documents.size > MAX_MANIFESTS)
      throw imageError('ARCHIVE_TOO_MANY_MEMBERS', { path: at.digest, limit: MAX_MANIFESTS });
    const bytes = await collect(store.open(at, o), MAX_MANIFEST_BYTES);
    documents.set(name, bytes);
    const document = parseManifestOrIndex(bytes, at.mediaType);
    if (document.kind === 'index') {
      for (const entry of document.index.manifests) {
        if (isManifestType(entry.mediaType) || isIndexType(entry.mediaType)) await visit(entry);
        else blobs.set(entry.digest, entry);
      }
      return;
    }
    const { config, layers } = document.manifest;
    for (const blob of [config, ...layers]) blobs.set(blob.digest, blob);
  };
  for (const { target } of roots) await visit(target);
  const contents = new Map<string, { readonly size: number; readonly content: MemberContent }>();
  for (const blob of blobs.values()) {
    if (!(await store.has(blob, o)))
      throw imageError('IMAGE_LAYER_ABSENT', { digest: blob.digest, diffId: blob.digest });
    const region = await store.locate(blob, o);
    const content: MemberContent =
      region === undefined
        ? { kind: 'stream', open: () => store.open(blob, o) }
        : { kind: 'file', region, digest: blob.digest, unpack: false };
    contents.set(blobMember(blob.digest), { size: blob.size, content });
  }
  return { plan: planMembers(documents, contents), close: async () => {} };
}
