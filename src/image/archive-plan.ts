import { type ByteStream, type FileRegion, sha256 } from '../base/bytes.ts';
import { IMAGE_NAME, REF_NAME } from '../oci/annotations.ts';
import { digestHex } from '../oci/digest.ts';
import { formatIndex } from '../oci/format.ts';
import { LAYOUT_VERSION } from '../oci/layout-version.ts';
import { OCI_INDEX } from '../oci/media-types.ts';
import { DEFAULT_TAG, familiarName, familiarRepository, parseReference } from '../oci/reference.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import { encodeHeader, endOfArchive, padding } from '../tar/encoder.ts';
import { blobMember } from './load-plan.ts';
import type { Image } from './types.ts';

/** Where a member's bytes come from. */
export type MemberContent =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** `unpack`: the region is compressed; size and digest are of what it unpacks to. */
  | { readonly kind: 'file'; readonly region: FileRegion; readonly digest: Digest; readonly unpack: boolean }
  /** Of a store without files. */
  | { readonly kind: 'stream'; readonly open: () => ByteStream };

export interface ArchiveMember {
  readonly name: string;
  readonly size: number;
  readonly content: MemberContent;
  /** Where its header and its content stand in the archive. */
  readonly start: number;
  readonly header: Uint8Array;
}

export interface ArchivePlan {
  readonly members: readonly ArchiveMember[];
  /** Bytes of the whole archive. */
  readonly size: number;
}

export interface ArchiveImage {
  readonly image: Image;
  /** Full names, sorted. */
  readonly names: readonly string[];
}

/** Every byte of the archive but the layers', with their places: the hybrid that is an OCI layout and what `docker save` writes, at once (oci.md a.13). Regular files only, no times: the same images give the same bytes. */
export function planArchive(
  images: readonly ArchiveImage[],
  contentOf: (layer: Descriptor) => MemberContent,
): ArchivePlan {
  const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const documents = new Map<string, Uint8Array>([
    ['oci-layout', text({ imageLayoutVersion: LAYOUT_VERSION })],
    [
      'index.json',
      formatIndex({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: images.flatMap(indexEntries) }),
    ],
    ['manifest.json', text(images.map(dockerRow))],
  ]);
  const repositories = repositoriesOf(images);
  if (repositories !== undefined) documents.set('repositories', text(repositories));
  const layers = new Map<string, Descriptor>();
  for (const { image } of images) {
    documents.set(blobMember(image.manifest.config.digest), image.configBytes);
    documents.set(blobMember(image.descriptor.digest), image.manifestBytes);
    for (const { blob } of image.layers) layers.set(blobMember(blob.digest), blob);
  }
  const contents = new Map<string, { readonly size: number; readonly content: MemberContent }>();
  for (const [name, blob] of layers) contents.set(name, { size: blob.size, content: contentOf(blob) });
  return planMembers(documents, contents);
}

/** These files in this order, each once, with their places in the archive. */
export function planMembers(
  documents: ReadonlyMap<string, Uint8Array>,
  contents: ReadonlyMap<string, { readonly size: number; readonly content: MemberContent }>,
): ArchivePlan {
  const members: ArchiveMember[] = [];
  let at = 0;
  const add = (name: string, size: number, content: MemberContent): void => {
    const header = encodeHeader({ ...HEADER, name, size });
    members.push({ name, size, content, start: at, header });
    at += header.length + size + padding(size);
  };
  for (const [name, bytes] of documents) add(name, bytes.length, { kind: 'bytes', bytes });
  for (const [name, { size, content }] of contents) if (!documents.has(name)) add(name, size, content);
  return { members, size: at + endOfArchive().length };
}

const HEADER = {
  kind: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanos: 0 },
  linkName: '',
  uname: '',
  gname: '',
} as const;

function indexEntries({ image, names }: ArchiveImage): Descriptor[] {
  const { mediaType, digest, size } = image.descriptor;
  const bare = { mediaType, digest, size };
  if (names.length === 0) return [bare];
  return names.map((name) => {
    const { tag } = parseReference(name);
    return { ...bare, annotations: { [IMAGE_NAME]: name, [REF_NAME]: tag ?? DEFAULT_TAG } };
  });
}

function dockerRow({ image, names }: ArchiveImage): object {
  const sources = image.layers.map(({ blob, diffId }) => {
    const { mediaType, size, digest } = blob;
    return [diffId, { mediaType, size, digest }] as const;
  });
  return {
    Config: blobMember(image.manifest.config.digest),
    RepoTags: names.length === 0 ? null : names.map((name) => familiarName(parseReference(name))),
    Layers: image.layers.map(({ blob }) => blobMember(blob.digest)),
    LayerSources: Object.fromEntries(sources),
  };
}

/** `{"repository":{"tag":"<id of the top layer>"}}`; the id here is the hash of the whole stack, since two images may share a top layer. */
function repositoriesOf(images: readonly ArchiveImage[]): object | undefined {
  const repositories = new Map<string, Map<string, string>>();
  for (const { image, names } of images) {
    for (const name of names) {
      const reference = parseReference(name);
      const repository = familiarRepository(reference);
      const tags = repositories.get(repository) ?? new Map<string, string>();
      repositories.set(
        repository,
        tags.set(reference.tag ?? DEFAULT_TAG, digestHex(sha256(image.configBytes))),
      );
    }
  }
  if (repositories.size === 0) return undefined;
  return Object.fromEntries([...repositories].map(([name, tags]) => [name, Object.fromEntries(tags)]));
}
