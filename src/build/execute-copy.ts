import { closeSync, openSync, readSync } from 'node:fs';
import { fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import { readLayerIndex } from '../layer/read-index.ts';
import type { Layer, PlannedEntry } from '../layer/types.ts';
import { writeLayer } from '../layer/write-layer.ts';
import type { LocalStore } from '../store/contract.ts';
import { parseChmod } from './chmod.ts';
import type { SourceNode } from './context/file-source.ts';
import type { SelectedSource } from './context/select-files.ts';
import { createLayerContents } from './copy/layer-content.ts';
import { type CopyPlacing, placeCopy } from './copy/place-copy.ts';
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
  view: ImageView,
  tools: CopyTools,
  o: CallOptions = {},
): Promise<Copied> {
  const { store, epoch } = tools;
  const shared = {
    tree: view.tree,
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
  if (op.instruction === 'ADD') refuseArchives(folder, selection.sources);
  const plan = placeCopy({
    ...shared,
    sources: selection.sources,
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
}

/** Hex digests of what was packed, by path in the context; later names of a file have that of the first. */
async function packedDigests(
  store: LocalStore,
  layer: Layer,
  plan: readonly PlannedEntry[],
  folder: string,
): Promise<Map<string, string>> {
  const index = await readLayerIndex(store, layer);
  const digests = new Map<string, string>();
  plan.forEach(({ content, path }, order) => {
    if (content?.kind !== 'disk') return;
    const entry = index.at(order);
    if (entry.path !== path || entry.contentDigest === undefined) {
      throw new TypeError(`the layer's index has ${entry.path} where ${path} was packed`);
    }
    digests.set(content.path.slice(folder.length + 1), entry.contentDigest.slice('sha256:'.length));
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
  view: ImageView,
  store: LocalStore,
  o: CallOptions,
): Promise<Owner | undefined> {
  if (op.chown === undefined || op.chown === '') return undefined;
  const accounts = namesSomebody(op.chown)
    ? await readAccounts(store, view, o)
    : { passwd: undefined, group: undefined };
  return resolveOwner(op.chown, accounts);
}

function noFile(): never {
  throw new TypeError('nothing but inline text is copied');
}

/** First bytes of what ADD would unpack: gzip, bzip2, xz, zstd. */
const MAGIC = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd'];
const USTAR_AT = 257;

function refuseArchives(folder: string, sources: readonly SelectedSource<SourceNode>[]): void {
  for (const { files } of sources) {
    const [self] = files;
    if (self?.node.kind === 'file' && looksPacked(`${folder}/${self.from}`)) {
      throw buildError('BUILD_ADD_ARCHIVE', { path: self.from });
    }
  }
}

function looksPacked(path: string): boolean {
  const head = Buffer.alloc(512);
  const fd = openSync(fsPath(path), 'r');
  try {
    readSync(fd, head);
  } finally {
    closeSync(fd);
  }
  const hex = head.toString('hex', 0, 8);
  return (
    MAGIC.some((magic) => hex.startsWith(magic)) ||
    head.toString('latin1', USTAR_AT, USTAR_AT + 5) === 'ustar'
  );
}
