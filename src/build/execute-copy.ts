import type { CallOptions } from '../base/options.ts';
import { emptyTree } from '../layer/apply-layer.ts';
import { readLayerIndex } from '../layer/read-index.ts';
import type { Layer } from '../layer/types.ts';
import { writeLayer } from '../layer/write-layer.ts';
import type { LocalStore } from '../store/contract.ts';
import { parseChmod } from './chmod.ts';
import type { SourceNode } from './context/file-source.ts';
import { createLayerContents } from './copy/layer-content.ts';
import { type ArchiveOpener, createArchiveOpener } from './copy/open-archive.ts';
import { type CopyPlacing, type PlacedSource, placeCopy } from './copy/place-copy.ts';
import type { Placed } from './copy/placed.ts';
import { namesSomebody, type Owner, resolveOwner } from './copy/resolve-owner.ts';
import { buildError } from './errors.ts';
import { type ImageView, readAccounts } from './image-view.ts';
import type { CopyOp, CopySelection } from './select-copy.ts';

export interface CopyTools {
  readonly store: LocalStore;
  readonly epoch?: number | undefined;
}

export interface Copied {
  readonly layer: Layer;
  /** The selection with the digest of every content that was copied. */
  readonly copy: CopySelection;
}

/**
 * The layer that a COPY makes over the image below: straight from where the files are, no root and no unpacking. Contents not hashed yet get their
 * digest from the packing: every byte is read once.
 * @throws what `placeCopy` and `writeLayer` throw; BUILD_CONTEXT_CHANGED when a file is not any more what its digest says
 */
export async function executeCopy(
  op: CopyOp,
  copy: CopySelection,
  below: () => Promise<ImageView>,
  tools: CopyTools,
  o: CallOptions = {},
): Promise<Copied> {
  const { store, epoch } = tools;
  const view = op.link === true ? undefined : await below();
  const shared = {
    tree: view?.tree ?? emptyTree(),
    inline: op.inline,
    dest: op.dest,
    chmod: op.chmod === undefined ? undefined : parseChmod(op.chmod),
    owner: await ownerOf(op, view, store, o),
    epoch,
  };
  switch (copy.kind) {
    case 'inline':
      return {
        copy,
        layer: await writeLayer(store, placeCopy({ ...shared, sources: [], content: noFile }), o),
      };
    case 'context':
      return copyFromContext(op, copy, shared, store, o);
    case 'image':
      return { copy, layer: await copyFromImage(copy, shared, store, o) };
  }
}

type Shared = Omit<CopyPlacing<SourceNode>, 'sources' | 'content'>;

async function copyFromContext(
  op: CopyOp,
  copy: CopySelection & { readonly kind: 'context' },
  shared: Shared,
  store: LocalStore,
  o: CallOptions,
): Promise<Copied> {
  const { context, selection } = copy;
  const { folder } = context;
  const archives = createArchiveOpener(store);
  try {
    const sources =
      op.unpack === undefined
        ? selection.sources
        : await withArchives(selection.sources, folder, archives, o);
    const plan = placeCopy({
      ...shared,
      sources,
      content: ({ from, node }) => ({ kind: 'disk', path: `${folder}/${from}`, size: node.size }),
    });
    const layer = await writeLayer(store, plan, o);
    const packed = await packedDigests(store, layer, plan, folder);
    // The layer must hold what its key says: a file written meanwhile would come from the cache for ever.
    for (const { from, node } of selection.sources.flatMap(({ files }) => files)) {
      const digest = packed.get(from);
      if (digest !== undefined && node.digest !== undefined && node.digest !== digest) {
        throw buildError('BUILD_CONTEXT_CHANGED', { path: from });
      }
    }
    // What another source replaced in the layer is in no layer, and still in the key.
    const complete = await context.hash(context.learn(selection, packed), o);
    return { layer, copy: { ...copy, selection: complete } };
  } finally {
    await archives.close();
  }
}

/** The same sources, those that are archives opened. */
async function withArchives(
  sources: readonly PlacedSource<SourceNode>[],
  folder: string,
  archives: ArchiveOpener,
  o: CallOptions,
): Promise<readonly PlacedSource<SourceNode>[]> {
  const opened: PlacedSource<SourceNode>[] = [];
  for (const source of sources) {
    const [self] = source.files;
    const { kind, size, digest } = self?.node ?? {};
    if (self === undefined || kind !== 'file' || size === undefined || digest === undefined) {
      opened.push(source);
      continue;
    }
    const region = { path: `${folder}/${self.from}`, offset: 0, size };
    opened.push({ ...source, archive: await archives.open({ name: self.from, region, digest }, o) });
  }
  return opened;
}

/** Hex digests of what was packed, by path in the context; later names of a file have that of the first. @throws BUILD_CONTEXT_CHANGED where an archive's file is not what its index says */
async function packedDigests(
  store: LocalStore,
  layer: Layer,
  plan: readonly Placed[],
  folder: string,
): Promise<Map<string, string>> {
  const index = await readLayerIndex(store, layer);
  const digests = new Map<string, string>();
  plan.forEach(({ content, path, digest: wanted }, order) => {
    if (content === undefined || content.kind === 'bytes') return;
    const entry = index.at(order);
    if (entry.path !== path || entry.contentDigest === undefined) {
      throw new TypeError(`the layer's index has ${entry.path} where ${path} was packed`);
    }
    const digest = entry.contentDigest.slice('sha256:'.length);
    if (wanted !== undefined && wanted !== digest)
      throw buildError('BUILD_CONTEXT_CHANGED', { path: content.path });
    if (content.kind === 'disk') digests.set(content.path.slice(folder.length + 1), digest);
  });
  return digests;
}

async function copyFromImage(
  copy: CopySelection & { readonly kind: 'image' },
  shared: Shared,
  store: LocalStore,
  o: CallOptions,
): Promise<Layer> {
  const { view, sources } = copy;
  const contents = createLayerContents(store, view.image.layers, view.indexes);
  try {
    const wanted = sources.flatMap(({ files }) =>
      files.filter(({ node }) => node.kind === 'file').map(({ node }) => node.inode),
    );
    const contentOf = await contents.open(wanted, o);
    const content = ({ node }: (typeof sources)[number]['files'][number]) =>
      contentOf(node.inode.layer, node.inode.order);
    return await writeLayer(store, placeCopy({ ...shared, sources, content }), o);
  } finally {
    await contents.close();
  }
}

async function ownerOf(
  op: CopyOp,
  view: ImageView | undefined,
  store: LocalStore,
  o: CallOptions,
): Promise<Owner | undefined> {
  if (op.chown === undefined || op.chown === '') return undefined;
  const accounts =
    view !== undefined && namesSomebody(op.chown)
      ? await readAccounts(store, view, o)
      : { passwd: undefined, group: undefined };
  return resolveOwner(op.chown, accounts);
}

function noFile(): never {
  throw new TypeError('nothing but inline text is copied');
}
